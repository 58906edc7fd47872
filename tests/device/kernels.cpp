/* SPDX-License-Identifier: MIT */
/* The product's kernels, as the host's compiler sees them. */
#include "../../cuda/kernels.cu"
