/* SPDX-License-Identifier: MIT */
#include "torch_normal.h"

#include "../law.h"

enum { HALF = TORCH_BLOCK / 2 };

static const double pi = 3.14159265358979323846;

/* Sine and cosine of 0 <= t <= 2 pi by Cephes' sinf and cosf, reduced by pi/4 in three parts; every product that is added
 * to is fused. */
static void sincos_fused(float t, float *sine, float *cosine) {
    int32_t j = (int32_t)(t * 1.27323954473516f);
    j = (j + 1) & ~1;
    float y = (float)j;
    t = fmaf(y, -0.78515625f, t);
    t = fmaf(y, -2.4187564849853515625e-4f, t);
    t = fmaf(y, -3.77489497744594108e-8f, t);
    float z = t * t;
    float c = fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fmaf(c, z, 4.166664568298827e-2f);
    c = c * z;
    c = fmaf(c, z, -(z * 0.5f)) + 1.0f;
    float s = fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fmaf(s, z, -1.6666654611e-1f);
    s = s * z;
    s = fmaf(s, t, t);
    float a = j & 2 ? c : s, b = j & 2 ? s : c;
    *sine = j & 4 ? -a : a;
    *cosine = ~(j - 2) & 4 ? -b : b;
}

static void block_fused(float *x, float mean, float std) {
    for (int j = 0; j < HALF; j++) {
        float sine, cosine, radius = sqrtf(-2.0f * law_log(1.0f - x[j]));
        sincos_fused((float)(2 * pi) * x[j + HALF], &sine, &cosine);
        x[j] = fmaf(radius * cosine, std, mean);
        x[j + HALF] = fmaf(radius * sine, std, mean);
    }
}

static void block_plain(float *x, float mean, float std) {
    for (int j = 0; j < HALF; j++) {
        float radius = sqrtf(-2.0f * logf(1.0f - x[j]));
        float angle = (float)(2 * pi * (double)x[j + HALF]);
        x[j] = radius * cosf(angle) * std + mean;
        x[j + HALF] = radius * sinf(angle) * std + mean;
    }
}

void torch_normal_block_f32(float *x, float mean, float std, bool fused) {
    if (fused)
        block_fused(x, mean, std);
    else
        block_plain(x, mean, std);
}

void torch_normal_block_f64(double *x, double mean, double std, bool fused) {
    for (int j = 0; j < HALF; j++) {
        double radius = sqrt(-2 * log(1 - x[j])), angle = 2 * pi * x[j + HALF];
        double a = radius * cos(angle), b = radius * sin(angle);
        x[j] = fused ? fma(a, std, mean) : a * std + mean;
        x[j + HALF] = fused ? fma(b, std, mean) : b * std + mean;
    }
}
