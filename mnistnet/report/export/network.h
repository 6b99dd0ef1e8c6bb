/* made by mnistnet export {{version}}

A network of {{layers}} units that reads one handwritten digit:

    float scores[10];
    int digit = mnistnet_predict(image, scores);

image     28 x 28 pixels, row by row, 0 = background, 255 = ink; the digit scaled to fit
          20 x 20, with its centre of mass in the centre; mnistnet predict --save-images
          prepares pictures so
accuracy  {{accuracy}}
*/
#ifndef MNISTNET_H
#define MNISTNET_H

/* The answer is unsure if its score is less than MNISTNET_SCORE, or if its probability
   exp(score) / (sum of all exp(score)) exceeds the second by less than MNISTNET_MARGIN.
   If every score is less than MNISTNET_NO_DIGIT, there is no digit. */
#define MNISTNET_MARGIN {{margin}}f
#define MNISTNET_SCORE {{score}}f
#define MNISTNET_NO_DIGIT {{no_digit}}f

/* A sum of products of weights w and inputs is multiplied by the scale of its row. */
{{constants}}
/* Store the score of each digit 0 to 9 and return the digit with the highest. */
static inline int mnistnet_predict(const unsigned char image[784], float scores[10])
{
    const unsigned char *h0 = image;
    int best = 0;
    long i, j;
{{hidden}}
    for (i = 0; i < 10; i++) {
        mnistnet_sum sum = 0;
        for (j = 0; j < {{inputs}}; j++)
            sum += mnistnet_w{{layer}}[i * {{inputs}} + j] * h{{below}}[j];
        scores[i] = (float)sum * mnistnet_scale{{layer}}[i];
        if (scores[i] > scores[best])
            best = (int)i;
    }
    return best;
}

#ifdef MNISTNET_TEST
#include <stdio.h>

/* Read images of 784 bytes from standard input and print the digit in each. */
int main(void)
{
    unsigned char image[784];
    float scores[10];
    while (fread(image, 1, sizeof image, stdin) == sizeof image)
        printf("%d\n", mnistnet_predict(image, scores));
    return 0;
}
#endif
#endif
