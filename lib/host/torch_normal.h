/* SPDX-License-Identifier: MIT */
/* Box-Muller as PyTorch computes it on the CPU, from uniforms that are there already, in place: blocks of 16, whose
 * first half holds the radii's uniforms and whose second half the angles'. */
#ifndef NNINIT_LIB_HOST_TORCH_NORMAL_H
#define NNINIT_LIB_HOST_TORCH_NORMAL_H

#include <stdbool.h>
#include <stdint.h>

enum { TORCH_BLOCK = 16 };

/* libm and two roundings: the base profile. That of AVX2 is in fill.h. */
void torch_normal_f32(float *x, int64_t blocks, float mean, float std);
/* libm in both profiles; fused: one rounding at the end. */
void torch_normal_f64(double *x, int64_t blocks, double mean, double std, bool fused);

#endif
