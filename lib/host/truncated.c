/* SPDX-License-Identifier: MIT */
#include "truncated.h"

#include "statistics.h"

#include <math.h>

static const double log_2pi = 1.83787706640934548356;

/* Moments of the standard normal cut to [a, b], about the place where its density is highest: sums by Gauss and Legendre,
 * five points in each of 64 parts of where the density is above e^-40 of that. */
static void standard_moments(double a, double b, double *mean, double *variance) {
    static const double node[] = {0, 0.53846931010568309104, 0.90617984593866399280};
    static const double weight[] = {0.56888888888888888889, 0.47862867049936646804, 0.23692688505618908751};
    enum { PARTS = 64 };
    double top = a > 0 ? a : b < 0 ? b : 0, reach = sqrt(top * top + 80) + fabs(top);
    double far = a > 0 || b < 0 ? 80 / reach : 9;
    double from = fmax(a - top, -far), to = fmin(b - top, far), half = (to - from) / (2 * PARTS);
    double m0 = 0, m1 = 0, m2 = 0;
    for (int i = 0; i < PARTS; i++)
        for (int j = -2; j <= 2; j++) {
            double t = from + half * (2 * i + 1 + (j < 0 ? -node[-j] : node[j]));
            double w = weight[j < 0 ? -j : j] * exp(-t * (top + t / 2));
            m0 += w;
            m1 += w * t;
            m2 += w * t * t;
        }
    *mean = top + m1 / m0;
    *variance = m2 / m0 - (m1 / m0) * (m1 / m0);
}

void truncated_moments(double location, double scale, double low, double high, double *mean, double *std) {
    double m, v;
    standard_moments((low - location) / scale, (high - location) / scale, &m, &v);
    *mean = fmin(fmax(location + scale * m, low), high);
    *std = scale * sqrt(fmax(v, 0));
}

/* The std grows with the scale, from 0 to that of the uniform: bisection in logarithms. */
double truncated_solve(double location, double std, double low, double high) {
    double far = fmax(fabs(low - location), fabs(high - location)), mean, got;
    double below = std, above = fmax(std, far) * 1e8;
    for (int i = 0; i < 200; i++) {
        double middle = sqrt(below) * sqrt(above);
        truncated_moments(location, middle, low, high, &mean, &got);
        if (middle <= below || middle >= above)
            break;
        if (got < std)
            below = middle;
        else
            above = middle;
    }
    return above;
}

/* The x <= 0 at which the CDF has this logarithm, p <= log(1/2), by Halley's method; CDF(x) <= exp(-x^2 / 2) / 2 bounds it
 * from below. */
static double inverse_log_lower(double p) {
    double x = -sqrt(fmax(-2 * (p + 0.69314718055994530942), 0));
    for (int i = 0; i < 20; i++) {
        double value = statistics_normal_log_lower(x), slope = exp(-0.5 * x * x - 0.5 * log_2pi - value), f = value - p;
        double step = f / slope / (1 + f * (x + slope) / (2 * slope));
        x = fmin(x - step, 0);
        if (fabs(step) <= 1e-6 * fmax(fabs(x), 0.01)) /* the error is cubed by each step */
            break;
    }
    return x;
}

void truncated_from_uniform(double *x, int64_t count, double location, double scale, double low, double high) {
    double a = (low - location) / scale, b = (high - location) / scale;
    double lower_b = statistics_normal_log_lower(b), lower = exp(statistics_normal_log_lower(a) - lower_b);
    double upper_a = statistics_normal_log_lower(-a), upper = exp(statistics_normal_log_lower(-b) - upper_a);
    for (int64_t i = 0; i < count; i++) {
        double u = x[i] + 0x1p-54; /* the middle of its step: never 0 */
        double p = lower_b + log(u + (1 - u) * lower), q = upper_a + log(1 - u + u * upper);
        double z = p <= q ? inverse_log_lower(p) : -inverse_log_lower(q);
        x[i] = fmin(fmax(location + scale * z, low), high);
    }
}

/* erfinv of PyTorch (ATen/native/Math.h): rational functions, then two steps of Newton. */
static const float erfinv_a[] = {-0.140543331f, 0.914624893f, -1.645349621f, 0.886226899f};
static const float erfinv_b[] = {0.012229801f, -0.329097515f, 1.442710462f, -2.118377725f, 1.0f};
static const float erfinv_c[] = {1.641345311f, 3.429567803f, -1.624906493f, -1.970840454f};
static const float erfinv_d[] = {1.637067800f, 3.543889200f, 1.0f};

static float horner_f32(const float *c, int n, float x, bool fused) {
    float y = c[0];
    for (int i = 1; i < n; i++)
        y = fused ? fmaf(y, x, c[i]) : y * x + c[i];
    return y;
}

static float erfinv_f32(float y, bool fused) {
    float size = fabsf(y), x;
    if (size >= 1)
        return size > 1 ? NAN : copysignf(INFINITY, y);
    if (size <= 0.7f) {
        float z = y * y;
        x = y * horner_f32(erfinv_a, 4, z, fused) / horner_f32(erfinv_b, 5, z, fused);
    } else {
        float z = sqrtf(-logf((1.0f - size) / 2.0f));
        x = copysignf(horner_f32(erfinv_c, 4, z, fused), y) / horner_f32(erfinv_d, 3, z, fused);
    }
    for (int i = 0; i < 2; i++)
        x = x - (erff(x) - y) / (2.0f / 1.77245385090551602730f * expf(-x * x));
    return x;
}

static const double double_a[] = {-0.140543331, 0.914624893, -1.645349621, 0.886226899};
static const double double_b[] = {0.012229801, -0.329097515, 1.442710462, -2.118377725, 1};
static const double double_c[] = {1.641345311, 3.429567803, -1.624906493, -1.970840454};
static const double double_d[] = {1.637067800, 3.543889200, 1};

static double horner_f64(const double *c, int n, double x, bool fused) {
    double y = c[0];
    for (int i = 1; i < n; i++)
        y = fused ? fma(y, x, c[i]) : y * x + c[i];
    return y;
}

static double erfinv_f64(double y, bool fused) {
    double size = fabs(y), x;
    if (size >= 1)
        return size > 1 ? NAN : copysign(INFINITY, y);
    if (size <= 0.7) {
        double z = y * y;
        x = y * horner_f64(double_a, 4, z, fused) / horner_f64(double_b, 5, z, fused);
    } else {
        double z = sqrt(-log((1 - size) / 2));
        x = copysign(horner_f64(double_c, 4, z, fused), y) / horner_f64(double_d, 3, z, fused);
    }
    for (int i = 0; i < 2; i++)
        x = x - (erf(x) - y) / (2 / 1.77245385090551602730 * exp(-x * x));
    return x;
}

void truncated_torch_range(double location, double scale, double low, double high, double *from, double *to) {
    double root = sqrt(2.0);
    *from = 2 * ((1 + erf((low - location) / scale / root)) / 2) - 1;
    *to = 2 * ((1 + erf((high - location) / scale / root)) / 2) - 1;
}

void truncated_torch_f32(float *x, int64_t count, double location, double scale, double low, double high, bool fused) {
    float factor = (float)(scale * sqrt(2.0)), shift = (float)location, least = (float)low, most = (float)high;
    for (int64_t i = 0; i < count; i++) {
        float y = erfinv_f32(x[i], fused) * factor;
        y = y + shift;
        x[i] = fminf(fmaxf(y, least), most);
    }
}

void truncated_torch_f64(double *x, int64_t count, double location, double scale, double low, double high, bool fused) {
    double factor = scale * sqrt(2.0);
    for (int64_t i = 0; i < count; i++) {
        double y = erfinv_f64(x[i], fused) * factor;
        y = y + location;
        x[i] = fmin(fmax(y, low), high);
    }
}
