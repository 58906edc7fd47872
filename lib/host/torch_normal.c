/* SPDX-License-Identifier: MIT */
#include "torch_normal.h"

#include <math.h>

enum { HALF = TORCH_BLOCK / 2 };

static const double pi = 3.14159265358979323846;

void torch_normal_f32(float *x, int64_t blocks, float mean, float std) {
    for (; blocks > 0; blocks--, x += TORCH_BLOCK)
        for (int j = 0; j < HALF; j++) {
            float radius = sqrtf(-2.0f * logf(1.0f - x[j]));
            float angle = (float)(2 * pi * (double)x[j + HALF]);
            x[j] = radius * cosf(angle) * std + mean;
            x[j + HALF] = radius * sinf(angle) * std + mean;
        }
}

void torch_normal_f64(double *x, int64_t blocks, double mean, double std, bool fused) {
    for (; blocks > 0; blocks--, x += TORCH_BLOCK)
        for (int j = 0; j < HALF; j++) {
            double radius = sqrt(-2 * log(1 - x[j])), angle = 2 * pi * x[j + HALF];
            double a = radius * cos(angle), b = radius * sin(angle);
            x[j] = fused ? fma(a, std, mean) : a * std + mean;
            x[j + HALF] = fused ? fma(b, std, mean) : b * std + mean;
        }
}
