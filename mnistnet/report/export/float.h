#include <math.h>

typedef float mnistnet_number, mnistnet_sum;

static inline float mnistnet_tanh(float sum, float scale)
{
    return tanhf(sum * scale);
}
