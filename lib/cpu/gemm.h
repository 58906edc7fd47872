/* SPDX-License-Identifier: MIT */
/* The three products without lists, in tiles of R rows x G groups of outputs held in registers. Each output is one
 * ascending chain of vec_fma from +0, so that tiles, slices and threads cannot change a bit. Included once by kernels.c for
 * each instruction set. */
#ifndef NNINIT_LIB_CPU_GEMM_H
#define NNINIT_LIB_CPU_GEMM_H

#include "cpu.h"
#include "vec.h"

/* A tile fills the registers: 6 x 4 x 16 floats of AVX-512, 6 x 16 floats elsewhere. */
#if defined(VEC_IS_16_WIDE)
#define TILE_GROUPS 4
#else
#define TILE_GROUPS 1
#endif
enum {
    PER_GROUP = GROUP / WIDTH,
    TILE = 6,
    TILE_VECS = TILE_GROUPS * PER_GROUP,
    DEPTH = 1024,    /* columns that a product takes at a time, so that its operands stay in the cache, */
    ROWS_DEPTH = 256 /* and rows of the batch that a weight's gradient does: each is in a page of its own */
};

/* Rows of the next tile when `left` remain: tiles as equal as they can be, none above TILE, so that a remainder is not a
 * tile of one row, which would wait for its own chain. */
INLINE int tile_rows(int64_t left) {
    return left >= 2 * TILE ? TILE : left > TILE ? (int)((left + 1) / 2) : (int)left;
}

/* Groups of the next tile in a panel of which `left` outputs remain. */
INLINE int tile_groups(int64_t left) {
    return left >= TILE_GROUPS * GROUP ? TILE_GROUPS : (int)(left / GROUP);
}

/* Outputs from o on that lie in o's panel and below end. */
INLINE int64_t panel_left(int64_t o, int64_t end) {
    return least((o / PANEL + 1) * PANEL, end) - o;
}

/* What is read after a product, in streams: `width` floats for each of its rows. A turned tile of some rows fetches theirs
 * while it runs, a little in each turn, as memory beyond the cache answers slowly and a burst of questions stalls. */
enum { STREAMS = 3 };
struct ahead {
    const float *stream[STREAMS];
    int64_t width;
};

INLINE struct ahead ahead_of_row(const struct ahead *block, int64_t row) {
    struct ahead ahead = *block;
    for (int s = 0; s < STREAMS; s++)
        ahead.stream[s] += row * block->width;
    return ahead;
}

/* R rows and G groups: y[r][…] = (fresh ? 0 : y[r][…]) + the chain over k < n of a[r, k] b[k][…]. Element (r, k) of a is
 * a[r * a_next + k], or if `turned` a[k * a_next + r]. Two pointers to rows, three rows each, are as many as the addressing
 * of x86 needs, and leave gcc no reason to spill. */
INLINE void tile_chain(const int R, const int G, const bool turned, const float *a, int64_t a_next, const float *b,
                       int64_t b_next, int64_t n, float *y, int64_t y_next, bool fresh, struct ahead ahead) {
    vec sum[TILE][TILE_VECS];
    const float *halves[2] = {a, turned ? a + 3 : a + 3 * a_next};
    const int64_t step = (R * ahead.width + n - 1) / n;
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int j = 0; j < G * PER_GROUP; j++)
            sum[r][j] = fresh ? vec_zero() : vec_load(y + r * y_next + j * WIDTH);
    for (int64_t k = 0; k < n; k++) {
        vec column[TILE_VECS];
        for (int s = 0; turned && s < STREAMS; s++, ahead.stream[s - 1] += step)
            __builtin_prefetch(ahead.stream[s], 1, 2);
        for (int j = 0; j < G * PER_GROUP; j++)
            column[j] = vec_once(vec_load(b + j * WIDTH));
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            vec x = vec_once(vec_all(halves[r / 3][turned ? r % 3 : r % 3 * a_next]));
            for (int j = 0; j < G * PER_GROUP; j++)
                sum[r][j] = vec_fma(x, column[j], sum[r][j]);
        }
        b += b_next;
        halves[0] += turned ? a_next : 1;
        halves[1] += turned ? a_next : 1;
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int j = 0; j < G * PER_GROUP; j++)
            vec_store(y + r * y_next + j * WIDTH, sum[r][j]);
}

typedef void (*tile)(const float *a, int64_t a_next, const float *b, int64_t b_next, int64_t n, float *y, int64_t y_next,
                     bool fresh, const struct ahead *ahead);

/* Each tile is a function of its own: inlined into kernels it would share its registers with theirs. */
#define TILE_FUNCTION(R, G)                                                                                            \
    static void tile_##R##_##G(const float *a, int64_t a_next, const float *b, int64_t b_next, int64_t n, float *y,    \
                               int64_t y_next, bool fresh, const struct ahead *ahead) {                                \
        (void)ahead;                                                                                                   \
        tile_chain(R, G, false, a, a_next, b, b_next, n, y, y_next, fresh, (struct ahead){0});                         \
    }                                                                                                                  \
    static void turned_##R##_##G(const float *a, int64_t a_next, const float *b, int64_t b_next, int64_t n, float *y,  \
                                 int64_t y_next, bool fresh, const struct ahead *ahead) {                              \
        tile_chain(R, G, true, a, a_next, b, b_next, n, y, y_next, fresh, *ahead);                                     \
    }
#define EACH_ROWS(X, G) X(1, G) X(2, G) X(3, G) X(4, G) X(5, G) X(6, G)
#define TILE_NAME(R, G) tile_##R##_##G,
#define TURNED_NAME(R, G) turned_##R##_##G,

EACH_ROWS(TILE_FUNCTION, 1)
#if TILE_GROUPS == 4
EACH_ROWS(TILE_FUNCTION, 2)
EACH_ROWS(TILE_FUNCTION, 3)
EACH_ROWS(TILE_FUNCTION, 4)
#endif

static const tile tiles[2][TILE_GROUPS][TILE] = {
#if TILE_GROUPS == 4
    {{EACH_ROWS(TILE_NAME, 1)}, {EACH_ROWS(TILE_NAME, 2)}, {EACH_ROWS(TILE_NAME, 3)}, {EACH_ROWS(TILE_NAME, 4)}},
    {{EACH_ROWS(TURNED_NAME, 1)}, {EACH_ROWS(TURNED_NAME, 2)}, {EACH_ROWS(TURNED_NAME, 3)}, {EACH_ROWS(TURNED_NAME, 4)}},
#else
    {{EACH_ROWS(TILE_NAME, 1)}},
    {{EACH_ROWS(TURNED_NAME, 1)}},
#endif
};

/* What becomes of a sum when its chain is complete. */
struct finish {
    const float *bias; /* [outputs], or NULL */
    bool relu;
    const float *positive; /* keep the sum where this is, [rows, outputs]; or NULL */
    int64_t positive_stride;
};

INLINE vec finished(const struct finish *f, vec sum, int64_t b, int64_t o) {
    sum = vec_add(sum, vec_zero()); /* docs/numerics.md: no -0 */
    if (f->bias)
        sum = vec_add(sum, vec_load(f->bias + o));
    if (f->relu)
        sum = vec_relu(sum);
    if (f->positive)
        sum = vec_where_positive(vec_load(f->positive + b * f->positive_stride + o), sum);
    return sum;
}

/* One product y[b, o] = sum over k of a[b, k] * w[o, k], for some b and o; w: [k][width] from output `o` on. */
struct product {
    const float *a;
    int64_t a_stride;
    float *y;
    int64_t y_stride;
    int64_t n; /* of k */
    struct finish finish;
};

static void finish_tile(const struct finish *f, float *y, int64_t y_stride, int64_t b, int rows, int64_t o, int groups) {
    for (int r = 0; r < rows; r++, b++, y += y_stride)
        for (int j = 0; j < groups * GROUP; j += WIDTH)
            vec_store(y + j, finished(f, vec_load(y + j), b, o + j));
}

/* Rows begin … end - 1 of one panel piece of `left` outputs from o on. */
INLINE void dense_piece(const struct product *p, int64_t begin, int64_t end, int64_t o, int64_t left, const float *w,
                        int64_t width) {
    for (int64_t k = 0; k < p->n; k += DEPTH) {
        int64_t n = least(p->n - k, DEPTH);
        for (int64_t b = begin, rows; b < end; b += rows) {
            rows = tile_rows(end - b);
            for (int64_t g = 0, groups; g < left; g += groups * GROUP) {
                groups = tile_groups(left - g);
                float *y = p->y + b * p->y_stride + o + g;
                tiles[0][groups - 1][rows - 1](p->a + b * p->a_stride + k, p->a_stride, w + k * width + g, width, n, y,
                                               p->y_stride, k == 0, NULL);
                if (k + n == p->n)
                    finish_tile(&p->finish, y, p->y_stride, b, (int)rows, o + g, (int)groups);
            }
        }
    }
}

/* to[j][i] = from[i][j] for i < rows and j < cols; up to the next GROUP of j, from is read and to written. */
INLINE void transpose(const float *from, int64_t next, int64_t rows, int64_t cols, float *to, int64_t to_next) {
    for (int64_t i = 0; i < rows; i += GROUP)
        for (int64_t j = 0; j < cols; j += GROUP)
            vec_transpose(from + i * next + j, next, (int)least(rows - i, GROUP), to + j * to_next + i, to_next);
}

/* Ask for what is read next, all at once: the memory answers many questions in the time of one. */
INLINE void fetch(const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i += 64 / (int64_t)sizeof *x)
        __builtin_prefetch(x + i, 0, 2);
}

/* strip[o][0 … PANEL-1] = w[o][i …], for every o: some inputs of the transposed weight. */
INLINE void transpose_strip(const struct operand *w, int64_t i, int64_t inputs, float *strip) {
    const float *from = (const float *)w->data;
    for (int64_t o = 0; o < w->rows; o += PANEL) {
        int64_t width = panel_width(w->rows, o), next = o + PANEL;
        if (next < w->rows)
            fetch(from + panel_offset(w->cols, next) + i * panel_width(w->rows, next), inputs * panel_width(w->rows, next));
        transpose(from + panel_offset(w->cols, o) + i * width, width, inputs, width, strip + o * PANEL, PANEL);
    }
}

/* What is done with the gradient of inputs x outputs, which is packed as the weight is. */
struct tn_target {
    float *gradient;  /* store it here, or NULL: */
    float *p, *m, *v; /* update these by Adam */
    const struct law_adam *adam;
    float step, root, shrink;
};

/* What tn_finish() touches from place `at` on, in a panel of that width. */
INLINE struct ahead target_ahead(const struct tn_target *t, int64_t at, int64_t width) {
    const float *g = t->gradient;
    return g ? (struct ahead){{g + at, g + at, g + at}, width} : (struct ahead){{t->p + at, t->m + at, t->v + at}, width};
}

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

/* What becomes of the sums of some inputs x `outputs` outputs, [inputs][PANEL]; `at` is their place in the packed tensors. */
static void tn_finish(const struct tn_target *t, const float *sum, int64_t inputs, int64_t outputs, int64_t at,
                      int64_t width) {
    for (int64_t i = 0; i < inputs; i++, sum += PANEL, at += width)
        for (int64_t j = 0; j < outputs; j += WIDTH) {
            vec g = vec_add(vec_load(sum + j), vec_zero()); /* docs/numerics.md: no -0 */
            if (t->gradient)
                vec_store(t->gradient + at + j, g);
            else
                adam_vec(t->adam, t->step, t->root, t->shrink, g, t->p + at + j, t->m + at + j, t->v + at + j);
        }
}

INLINE void contrast_vec(const struct law_contrast *o, vec data, vec model, float *p, float *m) {
    vec w = vec_load(p), d = vec_sub(vec_mul(vec_all(o->positive), data), vec_mul(vec_all(o->negative), model));
    if (o->decay != 0.0f)
        d = vec_sub(d, vec_mul(vec_all(o->decay), w));
    if (o->l1 != 0.0f)
        d = vec_sub(d, vec_sub(vec_where_positive(w, vec_all(o->l1)),
                               vec_where_positive(vec_sub(vec_zero(), w), vec_all(o->l1))));
    vec m1 = vec_tiny(vec_add(vec_mul(vec_all(o->momentum), vec_load(m)), d));
    vec_store(m, m1);
    vec_store(p, vec_add(w, m1));
}

/* As tn_finish(), of the sums of an RBM's two phases; p and m from the first input on. */
static void contrast_finish(const struct law_contrast *rates, const float *data, const float *model, int64_t inputs,
                            int64_t outputs, float *p, float *m, int64_t width) {
    for (int64_t i = 0; i < inputs; i++, data += PANEL, model += PANEL, p += width, m += width)
        for (int64_t j = 0; j < outputs; j += WIDTH)
            contrast_vec(rates, vec_add(vec_load(data + j), vec_zero()), vec_add(vec_load(model + j), vec_zero()), p + j,
                         m + j);
}

/* sum[i][o] = sum over b of x[b, i] dy[b, o], for some inputs and at most PANEL outputs, from pointers to the first. */
INLINE void dense_sums(const float *x, int64_t x_next, const float *dy, int64_t dy_next, int64_t rows, int64_t inputs,
                       int64_t outputs, float *sum, const struct ahead *block) {
    for (int64_t b = 0; b < rows; b += ROWS_DEPTH) {
        int64_t n = least(rows - b, ROWS_DEPTH);
        for (int64_t i = 0, taken; i < inputs; i += taken) {
            taken = tile_rows(inputs - i);
            const struct ahead ahead = ahead_of_row(block, i);
            for (int64_t o = 0, groups; o < outputs; o += groups * GROUP) {
                groups = tile_groups(outputs - o);
                tiles[1][groups - 1][taken - 1](x + b * x_next + i, x_next, dy + b * dy_next + o, dy_next, n,
                                               sum + i * PANEL + o, PANEL, b == 0, &ahead);
            }
        }
    }
}

#endif
