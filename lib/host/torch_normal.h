/* SPDX-License-Identifier: MIT */
/* Box-Muller as PyTorch computes it on the CPU, from uniforms that are there already, in place: blocks of 16, whose
 * first half holds the radii's uniforms and whose second half the angles'. */
#ifndef NNINIT_LIB_HOST_TORCH_NORMAL_H
#define NNINIT_LIB_HOST_TORCH_NORMAL_H

#include <stdbool.h>

enum { TORCH_BLOCK = 16 };

/* fused: the AVX2 profile, polynomials and fused multiply-adds; else libm and two roundings. */
void torch_normal_block_f32(float *x, float mean, float std, bool fused);
void torch_normal_block_f64(double *x, double mean, double std, bool fused);

#endif
