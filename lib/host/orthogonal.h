/* SPDX-License-Identifier: MIT */
/* Orthogonal weights made of normals that are drawn already. In double whatever the type, so that a float is wrong by its
 * own rounding only. Callers have set the default floating-point environment. */
#ifndef NNINIT_LIB_HOST_ORTHOGONAL_H
#define NNINIT_LIB_HOST_ORTHOGONAL_H

#include <nninit/tensor.h>

/* Doubles of room for the functions below; -1 on overflow. delta_orthogonal needs it for shape[0] and shape[1]. */
int64_t host_orthogonal_room(int64_t rows, int64_t cols);

/* torch.nn.init.orthogonal_: overwrite [rows][cols] independent N(0, 1), floats or doubles, with a matrix whose rows or
 * columns, whichever are fewer, are orthonormal times gain: the Q of the QR decomposition (of the transpose where rows <
 * cols) with a positive diagonal of R, which makes it uniformly distributed. A weight of more than 2 dimensions is a matrix
 * of shape[0] rows. room: [host_orthogonal_room(rows, cols)] */
void host_orthogonal(nninit_dtype dtype, void *values, int64_t rows, int64_t cols, double gain, double *room);

/* Delta-orthogonal convolution (Xiao et al., ICML 2018, section 3.4): a kernel [out, in, k...], out >= in, that is zero but
 * at its centre, k / 2 for an odd k and the place before the middle for an even one; there stands an orthogonal [out, in]
 * times gain, so that signals keep their norm. The first out * in values are N(0, 1) on entry. */
void host_delta_orthogonal(nninit_dtype dtype, void *values, const int64_t *shape, int rank, double gain, double *room);

#endif
