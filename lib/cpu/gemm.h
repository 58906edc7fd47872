/* SPDX-License-Identifier: MIT */
/* The three products, in tiles of R x PANEL outputs held in registers. Each output is one ascending chain of vec_fma from
 * +0, so that tiles, slices and threads cannot change a bit. Included once by kernels.c for each instruction set. */
#ifndef NNINIT_LIB_CPU_GEMM_H
#define NNINIT_LIB_CPU_GEMM_H

#include "cpu.h"
#include "vec.h"

enum { VECS = PANEL / WIDTH };

/* Leading elements of the next tile when `left` remain: tiles as equal as they can be, none above TILE, so that a remainder
 * is not a tile of one row, which would wait for its own chain. */
INLINE int tile_rows(int64_t left) {
    return left >= 2 * TILE ? TILE : left > TILE ? (int)((left + 1) / 2) : (int)left;
}

/* sum[r] = over k of a[r * row + k * next] * b[k * PANEL + …]: R rows against one panel of a packed operand, or of any
 * matrix whose k-th row is at b + k * b_next. */
INLINE void tile(const int R, const float *a, int64_t row, int64_t next, const float *b, int64_t b_next, int64_t n,
                 vec sum[TILE][VECS]) {
    for (int r = 0; r < R; r++)
        for (int j = 0; j < VECS; j++)
            sum[r][j] = vec_zero();
    for (int64_t k = 0; k < n; k++) {
        vec y[VECS];
        for (int j = 0; j < VECS; j++)
            y[j] = vec_load(b + k * b_next + j * WIDTH);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            vec x = vec_all(a[r * row + k * next]);
            for (int j = 0; j < VECS; j++)
                sum[r][j] = vec_fma(x, y[j], sum[r][j]);
        }
    }
    for (int r = 0; r < R; r++)
        for (int j = 0; j < VECS; j++)
            sum[r][j] = vec_add(sum[r][j], vec_zero());
}

/* Call EXPRESSION with the constant R that equals `rows`. */
#define WITH_CONSTANT_ROWS(rows, EXPRESSION)                                                                           \
    switch (rows) {                                                                                                    \
    case 1: { enum { R = 1 }; EXPRESSION; break; }                                                                     \
    case 2: { enum { R = 2 }; EXPRESSION; break; }                                                                     \
    case 3: { enum { R = 3 }; EXPRESSION; break; }                                                                     \
    case 4: { enum { R = 4 }; EXPRESSION; break; }                                                                     \
    case 5: { enum { R = 5 }; EXPRESSION; break; }                                                                     \
    default: { enum { R = 6 }; EXPRESSION; break; }                                                                    \
    }

/* y = x w^T (+ bias) (, relu): bias NULL: none. */
INLINE void nt_tile(const int R, const float *x, int64_t x_stride, const float *panel, int64_t n, const float *bias,
                    bool relu, float *y, int64_t y_stride) {
    vec sum[TILE][VECS];
    tile(R, x, x_stride, 1, panel, PANEL, n, sum);
    for (int r = 0; r < R; r++)
        for (int j = 0; j < VECS; j++) {
            vec s = sum[r][j];
            if (bias)
                s = vec_add(s, vec_load(bias + j * WIDTH));
            vec_store(y + r * y_stride + j * WIDTH, relu ? vec_relu(s) : s);
        }
}

INLINE void gemm_nt(const struct operand *x, const struct operand *w, const float *bias, bool relu,
                    const struct operand *y, int64_t begin, int64_t end) {
    const float *X = x->data, *W = w->data;
    float *Y = y->data;
    for (int64_t o = 0; o < w->rows; o += PANEL)
        for (int64_t b = begin; b < end;) {
            int rows = tile_rows(end - b);
            WITH_CONSTANT_ROWS(rows, nt_tile(R, X + b * x->stride, x->stride, W + o * w->cols, w->cols,
                                             bias ? bias + o : NULL, relu, Y + b * y->stride + o, y->stride))
            b += rows;
        }
}

/* scratch[o][0 … PANEL-1] = w[o][i …]: a strip of the transposed weight, for o below rows rounded up to PANEL. */
INLINE void transpose_strip(const struct operand *w, int64_t i, float *scratch) {
    const float *W = w->data;
    int64_t width = w->cols - i < PANEL ? w->cols - i : PANEL;
    for (int64_t o = 0; o < w->rows; o += PANEL) {
        const float *block = W + (o * w->cols) + i * PANEL;
        for (int64_t c = 0; c < width; c++)
            for (int64_t r = 0; r < PANEL; r++)
                scratch[(o + r) * PANEL + c] = block[c * PANEL + r];
    }
}

/* dx = dy w (, where y > 0): y NULL: everywhere. */
INLINE void nn_tile(const int R, const float *dy, int64_t dy_stride, const float *strip, int64_t n, const float *y,
                    int64_t y_stride, float *dx, int64_t dx_stride) {
    vec sum[TILE][VECS];
    tile(R, dy, dy_stride, 1, strip, PANEL, n, sum);
    for (int r = 0; r < R; r++)
        for (int j = 0; j < VECS; j++) {
            vec s = sum[r][j];
            if (y)
                s = vec_where_positive(vec_load(y + r * y_stride + j * WIDTH), s);
            vec_store(dx + r * dx_stride + j * WIDTH, s);
        }
}

INLINE void gemm_nn(const struct operand *dy, const struct operand *w, const struct operand *y, const struct operand *dx,
                    int64_t begin, int64_t end, float *scratch) {
    const float *DY = dy->data, *Y = y ? y->data : NULL;
    float *DX = dx->data;
    for (int64_t i = 0; i < w->cols; i += PANEL) {
        transpose_strip(w, i, scratch);
        for (int64_t b = begin; b < end;) {
            int rows = tile_rows(end - b);
            WITH_CONSTANT_ROWS(rows, nn_tile(R, DY + b * dy->stride, dy->stride, scratch, w->rows,
                                             Y ? Y + b * y->stride + i : NULL, y ? y->stride : 0,
                                             DX + b * dx->stride + i, dx->stride))
            b += rows;
        }
    }
}

/* What is done with the gradient of R inputs x PANEL outputs, which are neighbours in packed tensors. */
struct tn_target {
    float *gradient;            /* store it here, or NULL: */
    float *p, *m, *v;           /* update these by Adam */
    const struct law_adam *adam;
    float step, root, shrink;
};

INLINE void adam_vec(const struct law_adam *o, float step, float root, float shrink, vec g, float *p, float *m,
                     float *v) {
    vec w = vec_load(p);
    if (shrink != 1.0f)
        w = vec_mul(w, vec_all(shrink));
    if (o->decay != 0.0f)
        g = vec_add(g, vec_mul(vec_all(o->decay), w));
    vec m1 = vec_tiny(vec_add(vec_mul(vec_all(o->beta1), vec_load(m)), vec_mul(vec_all(o->rest1), g)));
    vec v1 = vec_tiny(vec_add(vec_mul(vec_all(o->beta2), vec_load(v)), vec_mul(vec_mul(vec_all(o->rest2), g), g)));
    vec denominator = vec_add(vec_div(vec_sqrt(v1), vec_all(root)), vec_all(o->eps));
    vec_store(m, m1);
    vec_store(v, v1);
    vec_store(p, vec_sub(w, vec_div(vec_mul(vec_all(step), m1), denominator)));
}

INLINE void tn_tile(const int R, const float *x, int64_t x_stride, const float *dy, int64_t dy_stride, int64_t rows,
                    const struct tn_target *t, int64_t at) {
    vec sum[TILE][VECS];
    tile(R, x, 1, x_stride, dy, dy_stride, rows, sum);
    for (int r = 0; r < R; r++)
        for (int j = 0; j < VECS; j++) {
            int64_t k = at + r * PANEL + j * WIDTH;
            if (t->gradient)
                vec_store(t->gradient + k, sum[r][j]);
            else
                adam_vec(t->adam, t->step, t->root, t->shrink, sum[r][j], t->p + k, t->m + k, t->v + k);
        }
}

/* dw = dy^T x, for inputs begin … end - 1 of every output. */
INLINE void gemm_tn(const struct operand *dy, const struct operand *x, const struct operand *dw,
                    const struct tn_target *t, int64_t begin, int64_t end) {
    const float *DY = dy->data, *X = x->data;
    for (int64_t i = begin; i < end;) {
        int inputs = tile_rows(end - i);
        for (int64_t o = 0; o < dw->rows; o += PANEL)
            WITH_CONSTANT_ROWS(inputs, tn_tile(R, X + i, x->stride, DY + o, dy->stride, dy->rows, t,
                                               o * dw->cols + i * PANEL))
        i += inputs;
    }
}

#endif
