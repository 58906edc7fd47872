/* SPDX-License-Identifier: MIT */
/* Draws of float32 by the array: loops over blocks of words, compiled once for each instruction set. The
 * numbers, and the state that is left, are those of one draw after the other. */
#ifndef NNINIT_LIB_HOST_FILL_H
#define NNINIT_LIB_HOST_FILL_H

#include "mt19937.h"

/* Elements first … first + count - 1 of a draw of a counter-based stream, to x. */
typedef void fill_counted(uint64_t seed, uint64_t draw, int64_t first, float *x, int64_t count, float a, float b);

struct fill {
    /* u * width + low, u of 24 bits; fused: one rounding instead of two. */
    void (*uniform)(struct mt19937 *mt, float *x, int64_t count, float low, float width, bool fused);
    /* Of the AVX2 profile, for whole blocks of TORCH_BLOCK (torch_normal.h); what remains of count is left uniform. */
    void (*normal)(struct mt19937 *mt, float *x, int64_t count, float mean, float std);
    /* a, b: low, width or mean, std. Uniforms as above, fused, of the upper 24 bits; normals by the same formula as above, on
     * neighbours (2k, 2k + 1), cosine first. */
    fill_counted *philox_uniform, *philox_normal;
    /* cuRAND's numbering (generator_curand.c); the draw is the number of the word that element 0 has. Uniforms in (0, 1] of 32
     * bits; normals on neighbours of that numbering, sine first, with two roundings at the end. */
    fill_counted *curand_uniform, *curand_normal;
};

extern const struct fill fill_c, fill_avx2, fill_avx512, fill_neon;

/* By isa_choose(); portable C where that finds none. */
const struct fill *fill_choose(void);

#endif
