/* SPDX-License-Identifier: MIT */
/* Products over what is not zero. A kernel counts the non-zeros of its slice, lists them where that pays, and walks the
 * lists: fma(0, w, sum) is sum, so that every chain has the bits of the dense one (docs/numerics.md). Included once by
 * kernels.c for each instruction set. */
#ifndef NNINIT_LIB_CPU_LISTS_H
#define NNINIT_LIB_CPU_LISTS_H

#include "gemm.h"

#define WITH_LIST_GROUPS(groups, EXPRESSION)                                                                           \
    switch (groups) {                                                                                                  \
    case 1: { enum { G = 1 }; EXPRESSION; break; }                                                                     \
    case 2: { enum { G = 2 }; EXPRESSION; break; }                                                                     \
    case 3: { enum { G = 3 }; EXPRESSION; break; }                                                                     \
    default: { enum { G = 4 }; EXPRESSION; break; }                                                                    \
    }

/* Vectors of a panel. */
enum { LIST_VECS = PANEL / WIDTH };

/* Non-zeros among columns j … j + cols - 1 of some rows; what the last vector holds beyond them counts too. */
INLINE int64_t count_nonzeros(const float *x, int64_t stride, int64_t rows, int64_t cols) {
    int64_t count = 0;
    for (int64_t b = 0; b < rows; b++)
        for (int64_t j = 0; j < cols; j += WIDTH)
            count += __builtin_popcount(vec_nonzeros(vec_load(x + b * stride + j)));
    return count;
}

/* Are the non-zeros few enough? */
INLINE bool lists_pay(float limit, int64_t nonzeros, int64_t size) {
    return (float)nonzeros < limit * (float)size;
}

/* Where the bits of a byte are, lowest first, one place a byte. */
static const uint64_t bit_places[256] = {
    0x0, 0x0, 0x1, 0x100, 0x2, 0x200, 0x201, 0x20100, 0x3, 0x300, 0x301, 0x30100, 0x302, 0x30200, 0x30201, 0x3020100,
    0x4, 0x400, 0x401, 0x40100, 0x402, 0x40200, 0x40201, 0x4020100, 0x403, 0x40300, 0x40301, 0x4030100, 0x40302,
    0x4030200, 0x4030201, 0x403020100ull, 0x5, 0x500, 0x501, 0x50100, 0x502, 0x50200, 0x50201, 0x5020100, 0x503,
    0x50300, 0x50301, 0x5030100, 0x50302, 0x5030200, 0x5030201, 0x503020100ull, 0x504, 0x50400, 0x50401, 0x5040100,
    0x50402, 0x5040200, 0x5040201, 0x504020100ull, 0x50403, 0x5040300, 0x5040301, 0x504030100ull, 0x5040302,
    0x504030200ull, 0x504030201ull, 0x50403020100ull, 0x6, 0x600, 0x601, 0x60100, 0x602, 0x60200, 0x60201, 0x6020100,
    0x603, 0x60300, 0x60301, 0x6030100, 0x60302, 0x6030200, 0x6030201, 0x603020100ull, 0x604, 0x60400, 0x60401,
    0x6040100, 0x60402, 0x6040200, 0x6040201, 0x604020100ull, 0x60403, 0x6040300, 0x6040301, 0x604030100ull,
    0x6040302, 0x604030200ull, 0x604030201ull, 0x60403020100ull, 0x605, 0x60500, 0x60501, 0x6050100, 0x60502,
    0x6050200, 0x6050201, 0x605020100ull, 0x60503, 0x6050300, 0x6050301, 0x605030100ull, 0x6050302, 0x605030200ull,
    0x605030201ull, 0x60503020100ull, 0x60504, 0x6050400, 0x6050401, 0x605040100ull, 0x6050402, 0x605040200ull,
    0x605040201ull, 0x60504020100ull, 0x6050403, 0x605040300ull, 0x605040301ull, 0x60504030100ull, 0x605040302ull,
    0x60504030200ull, 0x60504030201ull, 0x6050403020100ull, 0x7, 0x700, 0x701, 0x70100, 0x702, 0x70200, 0x70201,
    0x7020100, 0x703, 0x70300, 0x70301, 0x7030100, 0x70302, 0x7030200, 0x7030201, 0x703020100ull, 0x704, 0x70400,
    0x70401, 0x7040100, 0x70402, 0x7040200, 0x7040201, 0x704020100ull, 0x70403, 0x7040300, 0x7040301, 0x704030100ull,
    0x7040302, 0x704030200ull, 0x704030201ull, 0x70403020100ull, 0x705, 0x70500, 0x70501, 0x7050100, 0x70502,
    0x7050200, 0x7050201, 0x705020100ull, 0x70503, 0x7050300, 0x7050301, 0x705030100ull, 0x7050302, 0x705030200ull,
    0x705030201ull, 0x70503020100ull, 0x70504, 0x7050400, 0x7050401, 0x705040100ull, 0x7050402, 0x705040200ull,
    0x705040201ull, 0x70504020100ull, 0x7050403, 0x705040300ull, 0x705040301ull, 0x70504030100ull, 0x705040302ull,
    0x70504030200ull, 0x70504030201ull, 0x7050403020100ull, 0x706, 0x70600, 0x70601, 0x7060100, 0x70602, 0x7060200,
    0x7060201, 0x706020100ull, 0x70603, 0x7060300, 0x7060301, 0x706030100ull, 0x7060302, 0x706030200ull,
    0x706030201ull, 0x70603020100ull, 0x70604, 0x7060400, 0x7060401, 0x706040100ull, 0x7060402, 0x706040200ull,
    0x706040201ull, 0x70604020100ull, 0x7060403, 0x706040300ull, 0x706040301ull, 0x70604030100ull, 0x706040302ull,
    0x70604030200ull, 0x70604030201ull, 0x7060403020100ull, 0x70605, 0x7060500, 0x7060501, 0x706050100ull, 0x7060502,
    0x706050200ull, 0x706050201ull, 0x70605020100ull, 0x7060503, 0x706050300ull, 0x706050301ull, 0x70605030100ull,
    0x706050302ull, 0x70605030200ull, 0x70605030201ull, 0x7060503020100ull, 0x7060504, 0x706050400ull, 0x706050401ull,
    0x70605040100ull, 0x706050402ull, 0x70605040200ull, 0x70605040201ull, 0x7060504020100ull, 0x706050403ull,
    0x70605040300ull, 0x70605040301ull, 0x7060504030100ull, 0x70605040302ull, 0x7060504030200ull, 0x7060504030201ull,
    0x706050403020100ull,
};

/* Non-zeros among the first `left` of a vector; what lies behind them, in a row's padding, may be anything. */
INLINE unsigned nonzeros(const float *x, int64_t left) {
    unsigned bits = vec_nonzeros(vec_load(x));
    return left < WIDTH ? bits & ((1u << left) - 1) : bits;
}

/* Append the columns of a byte of mask. Seven bytes beyond them are overwritten. */
INLINE int append(uint8_t *list, int n, unsigned bits, unsigned column) {
    uint64_t places = bit_places[bits] + UINT64_C(0x0101010101010101) * column;
    memcpy(list + n, &places, sizeof places);
    return n + __builtin_popcount(bits);
}

/* The columns of each row's non-zeros, CHUNK columns at a time, as bytes: [rows][chunks][CHUNK_ROOM], their number last. */
INLINE void list_rows(const struct product *p, int64_t begin, int64_t end, uint8_t *list) {
    for (int64_t b = begin; b < end; b++)
        for (int64_t c = 0; c < p->n; c += CHUNK, list += CHUNK_ROOM) {
            const float *x = p->a + b * p->a_stride + c;
            int64_t cols = p->n - c < CHUNK ? p->n - c : CHUNK;
            int n = 0;
            for (int64_t j = 0; j < cols; j += WIDTH) {
                unsigned bits = nonzeros(x + j, cols - j);
                n = append(list, n, bits & 255, (unsigned)j);
                if (WIDTH > 8)
                    n = append(list, n, bits >> 8, (unsigned)j + 8);
            }
            list[CHUNK_ROOM - 1] = (uint8_t)n;
        }
}

/* One row's chunk from column k on, G groups from output o on. */
INLINE void list_row_chunk(const int G, const struct product *p, int64_t b, int64_t o, const float *w, int64_t width,
                           int64_t k, const uint8_t *list) {
    vec sum[LIST_VECS];
    float *y = p->y + b * p->y_stride + o;
    const float *x = p->a + b * p->a_stride + k;
    for (int j = 0; j < G * PER_GROUP; j++)
        sum[j] = k ? vec_load(y + j * WIDTH) : vec_zero();
    for (int e = 0; e < list[CHUNK_ROOM - 1]; e++) {
        const float *row = w + (k + list[e]) * width;
        vec a = vec_all(x[list[e]]);
        for (int j = 0; j < G * PER_GROUP; j++)
            sum[j] = vec_fma(a, vec_load(row + j * WIDTH), sum[j]);
    }
    bool last = k + CHUNK >= p->n;
    for (int j = 0; j < G * PER_GROUP; j++)
        vec_store(y + j * WIDTH, last ? finished(&p->finish, sum[j], b, o + j * WIDTH) : sum[j]);
}

/* As dense_piece(), over lists. */
INLINE void list_piece(const struct product *p, int64_t begin, int64_t end, int64_t o, int64_t left, const float *w,
                       int64_t width, const uint8_t *lists) {
    for (int64_t k = 0; k < p->n; k += CHUNK, lists += CHUNK_ROOM)
        for (int64_t b = begin; b < end; b++)
            WITH_LIST_GROUPS(left / GROUP,
                             list_row_chunk(G, p, b, o, w, width, k, lists + (b - begin) * lists_size(p->n)))
}

/* As dense_sums(), over lists of the block that list_block() has turned and listed. */
INLINE void list_sums(const struct workspace *work, const float *dy, int64_t dy_next, int64_t rows, int64_t inputs,
                      int64_t outputs, float *sum, const struct ahead *block) {
    const struct product p = {.a = work->strip, .a_stride = round_up(rows, GROUP), .y = sum, .y_stride = PANEL, .n = rows};
    for (int64_t i = 0; i < inputs; i++) {
        const struct ahead ahead = ahead_of_row(block, i);
        for (int s = 0; s < STREAMS; s++)
            fetch(ahead.stream[s], ahead.width);
        list_piece(&p, i, i + 1, 0, outputs, dy, dy_next, work->list + i * lists_size(rows));
    }
}

INLINE void list_block(const struct workspace *work, const float *x, int64_t x_next, int64_t rows, int64_t inputs) {
    const struct product p = {.a = work->strip, .a_stride = round_up(rows, GROUP), .n = rows};
    transpose(x, x_next, rows, inputs, work->strip, p.a_stride);
    list_rows(&p, 0, inputs, work->list);
}

#endif
