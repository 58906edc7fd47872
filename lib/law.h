/* SPDX-License-Identifier: MIT */
/* The numeric law's functions (docs/numerics.md): the same IEEE-754 operations in the same order wherever this is compiled.
 * No libm but fmaf and sqrtf, which are exact. */
#ifndef NNINIT_LIB_LAW_H
#define NNINIT_LIB_LAW_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__)
#error "the numeric law does not hold under -ffast-math"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "the numeric law needs float arithmetic without excess precision (FLT_EVAL_METHOD 0)"
#endif

/* Device code too, where nvcc compiles it. */
#if defined(__CUDACC__)
#define LAW static inline __host__ __device__
#else
#define LAW static inline
#endif

/* A stored moment below this magnitude becomes +0: moments of inputs that are rarely lit would decay into denormals. */
#define LAW_TINY 0x1p-100f

LAW uint32_t law_bits(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

LAW float law_float(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

LAW float law_tiny(float x) {
    return fabsf(x) < LAW_TINY ? 0.0f : x;
}

/* exp by x = n ln 2 + r; polynomial of Cephes' expf. */
LAW float law_exp(float x) {
    float c = x < -87.33f ? -87.33f : x > 88.72f ? 88.72f : x;
    c = c == c ? c : 0.0f;
    float n = fmaf(c, 1.44269504088896341f, 12582912.0f) - 12582912.0f; /* 1.5 * 2^23: rounds to an integer */
    float r = fmaf(n, -0.693359375f, c);
    r = fmaf(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = fmaf(p, r, 1.3981999507e-3f);
    p = fmaf(p, r, 8.3334519073e-3f);
    p = fmaf(p, r, 4.1665795894e-2f);
    p = fmaf(p, r, 1.6666665459e-1f);
    p = fmaf(p, r, 5.0000001201e-1f);
    p = fmaf(p, r * r, r) + 1.0f;
    /* n reaches 128, whose scale is not a float: halve it into two steps, both exact. */
    int32_t i = (int32_t)n, h = i / 2;
    float y = p * law_float((uint32_t)(h + 127) << 23) * law_float((uint32_t)(i - h + 127) << 23);
    return x < -87.33f ? 0.0f : x > 88.72f ? INFINITY : x == x ? y : x;
}

/* log of a positive normal; polynomial of Cephes' logf. */
LAW float law_log_normal(float x) {
    uint32_t u = law_bits(x);
    float e = (float)((int32_t)(u >> 23) - 126);
    float m = law_float((u & 0x007fffffu) | 0x3f000000u);
    float below = m < 0.707106781186547524f ? 1.0f : 0.0f;
    e = e - below;
    m = (m - 1.0f) + (below != 0.0f ? m : 0.0f);
    float z = m * m, y = 7.0376836292e-2f;
    y = fmaf(y, m, -1.1514610310e-1f);
    y = fmaf(y, m, 1.1676998740e-1f);
    y = fmaf(y, m, -1.2420140846e-1f);
    y = fmaf(y, m, 1.4249322787e-1f);
    y = fmaf(y, m, -1.6668057665e-1f);
    y = fmaf(y, m, 2.0000714765e-1f);
    y = fmaf(y, m, -2.4999993993e-1f);
    y = fmaf(y, m, 3.3333331174e-1f);
    y = y * m;
    y = fmaf(y, z, e * -2.12194440e-4f);
    y = fmaf(-z, 0.5f, y);
    m = m + y;
    return fmaf(e, 0.693359375f, m);
}

/* log(0) = -Inf, log(+Inf) = +Inf; negative or NaN gives NaN. */
LAW float law_log(float x) {
    float result = law_log_normal(x);
    return x > 0.0f ? (x <= FLT_MAX ? result : x) : x == 0.0f ? -INFINITY : NAN;
}

/* Sine and cosine of 0 <= t <= 2 pi by Cephes' sinf and cosf, reduced by pi/4 in three parts; every product that is
 * added to is fused. */
LAW void law_sincos(float t, float *sine, float *cosine) {
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
    /* Bit 2 becomes the sign. */
    *sine = law_float(law_bits(a) ^ (uint32_t)(j & 4) << 29);
    *cosine = law_float(law_bits(b) ^ (uint32_t)(~(j - 2) & 4) << 29);
}

/* 24 bits of a word, 0 <= u < 1; by way of int32_t, which every instruction set converts. */
LAW float law_unit(uint32_t word) {
    return (float)(int32_t)(word >> 8) * 0x1p-24f;
}

/* Two standard normals from two uniforms in [0, 1), by Box and Muller. */
LAW void law_normals(float u1, float u2, float *first, float *second) {
    float sine, cosine, radius = sqrtf(-2.0f * law_log_normal(1.0f - u1));
    law_sincos((float)(2 * 3.14159265358979323846) * u2, &sine, &cosine);
    *first = radius * cosine;
    *second = radius * sine;
}

/* Selects, never products: 0 * Inf would be NaN; written so that NaN stays NaN. */
LAW float law_relu(float x) {
    return x < 0.0f ? 0.0f : x;
}

LAW float law_leaky_relu(float x, float slope) {
    return x < 0.0f ? slope * x : x;
}

/* log(1 + exp(x)) = max(x, 0) + log1p(e), e = exp(-|x|); what 1 + e loses of e is put back: log1p(e) = log u + (e - (u - 1)) / u. */
LAW float law_softplus(float x) {
    float e = law_exp(-fabsf(x)), u = 1.0f + e;
    return law_relu(x) + (law_log(u) + (e - (u - 1.0f)) / u);
}

LAW float law_sigmoid(float x) {
    return 1.0f / (1.0f + law_exp(-x));
}

/* Polynomial of Cephes' tanhf below 0.625, else by exp(-2|x|). */
LAW float law_tanh(float x) {
    float a = fabsf(x), z = x * x, p = -5.70498872745e-3f;
    p = fmaf(p, z, 2.06390887954e-2f);
    p = fmaf(p, z, -5.37397155531e-2f);
    p = fmaf(p, z, 1.33314422036e-1f);
    p = fmaf(p, z, -3.33332819422e-1f);
    float near_zero = fmaf(p * z, x, x);
    float t = law_exp(-2.0f * a);
    float far = (1.0f - t) / (1.0f + t);
    return a < 0.625f ? near_zero : x < 0.0f ? -far : far;
}

/* S(x, n): the one shape of every sum that is not a column sum. */
LAW float law_fold(float *s) {
    for (int width = 8; width > 0; width /= 2)
        for (int j = 0; j < width; j++)
            s[j] += s[j + width];
    return s[0];
}

LAW float law_sum(const float *x, int64_t n) {
    float s[16] = {0};
    for (int64_t i = 0; i < n; i++)
        s[i % 16] += x[i];
    return law_fold(s);
}

LAW float law_row_max(const float *z, int64_t n) {
    float m = z[0];
    for (int64_t j = 1; j < n; j++)
        m = z[j] > m ? z[j] : m;
    return m;
}

/* S of exp(z - max z), and that maximum. */
LAW float law_row_expsum(const float *z, int64_t n, float *maximum) {
    float m = law_row_max(z, n), s[16] = {0};
    for (int64_t j = 0; j < n; j++)
        s[j % 16] += law_exp(z[j] - m);
    *maximum = m;
    return law_fold(s);
}

LAW float law_cross_entropy(const float *z, int64_t n, int32_t label) {
    float m, s = law_row_expsum(z, n, &m);
    return law_log(s) - (z[label] - m);
}

LAW void law_cross_entropy_gradient(const float *z, int64_t n, int32_t label, float rows, float *dz) {
    float m, s = law_row_expsum(z, n, &m);
    for (int64_t j = 0; j < n; j++)
        dz[j] = (law_exp(z[j] - m) / s - (j == label ? 1.0f : 0.0f)) / rows;
}

LAW void law_softmax(const float *z, int64_t n, float *y) {
    float m, s = law_row_expsum(z, n, &m);
    for (int64_t j = 0; j < n; j++)
        y[j] = law_exp(z[j] - m) / s;
}

/* One of n by its probabilities: 1 where their ascending sum first exceeds u, or at the last. */
LAW void law_pick(float u, const float *p, int64_t n, float *y) {
    float sum = 0.0f, left = 1.0f;
    for (int64_t j = 0; j < n; j++) {
        sum += p[j];
        y[j] = u < sum || j == n - 1 ? left : 0.0f;
        left = y[j] != 0.0f ? 0.0f : left;
    }
}

/* The lowest index among equals. */
LAW int32_t law_argmax(const float *z, int64_t n) {
    int32_t best = 0;
    for (int64_t j = 1; j < n; j++)
        if (z[j] > z[best])
            best = (int32_t)j;
    return best;
}

/* Options of an update that stay for a program, rounded to float once. */
struct law_adam {
    float beta1, rest1, beta2, rest2, eps, decay; /* rest = 1 - beta; decay: added to the gradient */
};

/* One parameter: step = lr / (1 - beta1^t), root = sqrt(1 - beta2^t), shrink = 1 - lr * decay of AdamW, else 1. */
LAW void law_adam(const struct law_adam *o, float step, float root, float shrink, float g, float *p, float *m,
                            float *v) {
    float w = shrink != 1.0f ? *p * shrink : *p;
    g = o->decay != 0.0f ? g + o->decay * w : g;
    *m = law_tiny(o->beta1 * *m + o->rest1 * g);
    *v = law_tiny(o->beta2 * *v + (o->rest2 * g) * g);
    *p = w - (step * *m) / (sqrtf(*v) / root + o->eps);
}

struct law_sgd {
    float decay, momentum, nesterov;
};

/* fresh = 1 - dampening, or 1 in the first step; m NULL: no momentum. */
LAW void law_sgd(const struct law_sgd *o, float lr, float fresh, float g, float *p, float *m) {
    g = o->decay != 0.0f ? g + o->decay * *p : g;
    if (m) {
        *m = law_tiny(o->momentum * *m + fresh * g);
        g = o->nesterov != 0.0f ? g + o->momentum * *m : *m;
    }
    *p = *p - lr * g;
}

/* A step of an RBM, from the sums of its two phases: positive = rate / rows, negative = rate / chains, decay and l1 are
 * already multiplied with the rate. */
struct law_contrast {
    float momentum, positive, negative, decay, l1;
};

LAW void law_contrast(const struct law_contrast *o, float data, float model, float *p, float *m) {
    float d = o->positive * data - o->negative * model;
    d = o->decay != 0.0f ? d - o->decay * *p : d;
    d = o->l1 != 0.0f ? d - (*p > 0.0f ? o->l1 : *p < 0.0f ? -o->l1 : 0.0f) : d;
    *m = law_tiny(o->momentum * *m + d);
    *p = *p + *m;
}

/* How often a hidden unit is on, as a running mean q over batches, and what its probabilities lose for being above target. */
struct law_sparsity {
    float keep, rest, rows, cost, target; /* rest = 1 - keep */
};

LAW void law_sparsity(const struct law_sparsity *o, float sum, float *q, float *pull) {
    *q = law_tiny(o->keep * *q + o->rest * (sum / o->rows));
    *pull = o->cost * (o->target - *q);
}

/* What a row of squared length `square` is multiplied with. */
LAW float law_max_norm(float square, float limit) {
    float norm = sqrtf(square);
    return norm > limit ? limit / norm : 1.0f;
}

#endif
