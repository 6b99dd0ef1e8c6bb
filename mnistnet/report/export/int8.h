typedef signed char mnistnet_number;
typedef long mnistnet_sum;

{{table}}
/* 127 tanh(sum * scale / 2^31), from the table for 0, 1/128, 2/128, ... */
static inline signed char mnistnet_tanh(long sum, long scale)
{
    long long place = ((long long)(sum < 0 ? -sum : sum) * scale + (1L << 23)) >> 24;
    long long last = sizeof mnistnet_table - 1;
    int h = mnistnet_table[place < last ? place : last];
    return (signed char)(sum < 0 ? -h : h);
}
