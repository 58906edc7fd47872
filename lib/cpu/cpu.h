/* SPDX-License-Identifier: MIT */
/* The cpu executor's inner contract: kernels work on a slice of a node, threads execute slices. */
#ifndef NNINIT_LIB_CPU_H
#define NNINIT_LIB_CPU_H

#include "../host/exec.h"

/* A tensor [rows, cols] (a weight [out, in]) is packed in panels of PANEL rows, [cols][PANEL] each, one after the other; the
 * last panel is only as many GROUPs wide as it needs, padded with zeros. A vector then holds neighbouring outputs, and a
 * bias [out, 1] is a plain padded array. */
enum { GROUP = 16, PANEL = 64 };

static inline int64_t round_up(int64_t n, int64_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* Width of the panel that holds row r. */
static inline int64_t panel_width(int64_t rows, int64_t r) {
    int64_t left = round_up(rows, GROUP) - r / PANEL * PANEL;
    return left < PANEL ? left : PANEL;
}

/* Where the element of row r and column 0 is; column k is k * panel_width() further. */
static inline int64_t panel_offset(int64_t cols, int64_t r) {
    return r / PANEL * PANEL * cols + r % PANEL;
}

/* How a node is cut. Slices of one axis never share an output. */
enum axis {
    AXIS_BATCH,  /* rows of the batch */
    AXIS_INPUTS, /* inputs (columns) of a weight */
    AXIS_WHOLE   /* not at all */
};

/* Lists of non-zeros (lists.h) name columns of a chunk by bytes, and are made for a block of a weight's inputs at a time. */
enum { CHUNK = 128, CHUNK_ROOM = CHUNK + 8, BLOCK = 128, LIST_ROWS_MAX = UINT16_MAX };

/* A thread's room while it executes a slice. */
struct workspace {
    float *strip;  /* a strip of a transposed weight */
    uint8_t *list; /* lists of non-zeros */
    enum { LISTS_BY_COUNT, LISTS_NEVER, LISTS_ALWAYS } lists;
};

/* Units begin … end - 1 of the node's axis, at one step. */
typedef void (*cpu_kernel)(const struct task *task, int64_t step, int64_t begin, int64_t end, struct workspace *work);

extern const cpu_kernel cpu_kernels_c[KIND_COUNT];
#if defined(__x86_64__)
extern const cpu_kernel cpu_kernels_avx2[KIND_COUNT], cpu_kernels_avx512[KIND_COUNT];
#elif defined(__aarch64__)
extern const cpu_kernel cpu_kernels_neon[KIND_COUNT];
#endif

/* arena.c */
struct memory;
nninit_status cpu_memory_create(struct memory **out, const struct host *host, const struct tensor_shape *tensors,
                                int count);
void cpu_memory_destroy(struct memory *memory);
nninit_status cpu_memory_read(const struct memory *memory, int tensor, float *values);
nninit_status cpu_memory_write(struct memory *memory, int tensor, const float *values);
float *cpu_memory_tensor(struct memory *memory, int tensor);

/* pool.c */
struct pool;
typedef void (*pool_work)(void *argument, int thread);

/* `threads` of them, the caller's included. */
nninit_status pool_create(struct pool **out, const struct host *host, int threads);
void pool_destroy(struct pool *pool);
int pool_threads(const struct pool *pool);
/* Run work(argument, t) on every thread t, and return when all have returned. */
void pool_run(struct pool *pool, pool_work work, void *argument);
/* Within work: return when all threads have come here. */
void pool_barrier(struct pool *pool);

#endif
