/* SPDX-License-Identifier: MIT */
/* Dense linear algebra in double, for initializers and reports: our own, so that it gives the same bits whatever is
 * installed. Matrices are row-major [rows][cols] and finite. Callers have set the default floating-point environment. */
#ifndef NNINIT_LIB_HOST_LINALG_H
#define NNINIT_LIB_HOST_LINALG_H

#include <stdint.h>

/* Overwrite a, rows >= cols >= 1, with the Q [rows][cols] of its QR decomposition whose R has a positive diagonal (a zero of
 * which counts as positive), by Householder reflections. Columns are orthonormal whatever the rank. room: [rows + cols]. */
void linalg_orthonormalize(double *a, int64_t rows, int64_t cols, double *room);

/* The singular values of a, rows and cols >= 1, largest first, least(rows, cols) of them; a is destroyed. Their error is a
 * few rounding errors of the largest one. room: [rows + cols]. */
void linalg_singular_values(double *a, int64_t rows, int64_t cols, double *values, double *room);

#endif
