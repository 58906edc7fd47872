/* SPDX-License-Identifier: MIT */
/* Normals cut to an interval. Callers have set the default floating-point environment. */
#ifndef NNINIT_LIB_HOST_TRUNCATED_H
#define NNINIT_LIB_HOST_TRUNCATED_H

#include <stdbool.h>
#include <stdint.h>

/* Mean and std of N(location, scale^2) cut to [low, high]; scale > 0, low < high. */
void truncated_moments(double location, double scale, double low, double high, double *mean, double *std);
/* The scale with which that std comes out; std below (high - low) / sqrt(12). */
double truncated_solve(double location, double std, double low, double high);

/* The inverse of the CDF, in place: from x in [0, 1), 53 bits. It works with logarithms of the smaller tail, so that
 * intervals a thousand scales away have the right values too. */
void truncated_from_uniform(double *x, int64_t count, double location, double scale, double low, double high);

/* torch.nn.init.trunc_normal_ up to 2.11, in place, from x uniform in the range of truncated_torch_range(). fused: the
 * AVX2 profile. libm's log, exp and erf, as in builds of PyTorch without MKL. */
void truncated_torch_range(double location, double scale, double low, double high, double *from, double *to);
void truncated_torch_f32(float *x, int64_t count, double location, double scale, double low, double high, bool fused);
void truncated_torch_f64(double *x, int64_t count, double location, double scale, double low, double high, bool fused);

#endif
