/* SPDX-License-Identifier: MIT */
/* The cpu executor's inner contract: kernels work on a slice of a node, threads execute slices. */
#ifndef NNINIT_LIB_CPU_H
#define NNINIT_LIB_CPU_H

#include "../host/exec.h"
#include "../host/pool.h"

/* A tensor [rows, cols] (a weight [out, in]) is packed in panels of PANEL rows, [cols][PANEL] each, one after the other; the
 * last panel is only as many GROUPs wide as it needs, padded with zeros. A vector then holds neighbouring outputs, and a
 * bias [out, 1] is a plain padded array. */
enum { GROUP = 16, PANEL = 64 };

static inline int64_t round_up(int64_t n, int64_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* Width of the panel that holds row r. */
static inline int64_t panel_width(int64_t rows, int64_t r) {
    return least(round_up(rows, GROUP) - r / PANEL * PANEL, PANEL);
}

/* Where the element of row r and column 0 is; column k is k * panel_width() further. */
static inline int64_t panel_offset(int64_t cols, int64_t r) {
    return r / PANEL * PANEL * cols + r % PANEL;
}

/* A thread's part of a node: rows of the batch, and inputs (columns) and outputs (rows) of a weight. */
struct slice {
    int64_t b, b_end, i, i_end, o, o_end; /* o: a multiple of GROUP; o_end too, or the last output */
};

/* Lists of non-zeros (lists.h) name columns of a chunk by bytes, and are made for a block of a weight's inputs at a time. */
enum { CHUNK = 128, CHUNK_ROOM = CHUNK + 8, BLOCK = 64 };

/* Rows of the batch that a product takes at a time, so that they and their lists stay in a core's cache; more where a weight
 * has to be transposed each time. */
enum { NT_ROWS = 128, NN_ROWS = 512 };

/* Bytes of the lists of a row of that many columns. */
static inline int64_t lists_size(int64_t cols) {
    return (cols + CHUNK - 1) / CHUNK * CHUNK_ROOM;
}

/* What the gradient of a weight needs of a workspace for a block over that many rows: floats, and bytes of lists. */
static inline int64_t tn_strip(int64_t rows) {
    return round_up(rows, GROUP) * BLOCK;
}

static inline int64_t tn_list(int64_t rows) {
    return BLOCK * lists_size(rows);
}

/* Densities of non-zeros below which each product goes by lists. */
struct limits {
    float forward, backward, weights;
};

#define LISTS_NEVER 0.0f
#define LISTS_ALWAYS 2.0f

/* A thread's room while it executes a slice. */
struct workspace {
    float *strip;  /* what is transposed: a strip of a weight, or a block of a batch */
    uint8_t *list; /* lists of non-zeros */
    struct limits limits;
};

typedef void (*cpu_kernel)(const struct task *task, int64_t step, const struct slice *slice,
                           const struct workspace *work);

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

/* calibrate.c: the limits of this processor, from products of so many multiplications. */
enum { CALIBRATION_MULTIPLICATIONS = 64 * 512 * 128 };
nninit_status cpu_calibrate(struct limits *limits, const struct host *host, const cpu_kernel *kernels);

/* plan.c: how a program's nodes are cut for threads. */
enum axis {
    AXIS_BATCH,
    AXIS_INPUTS,
    AXIS_OUTPUTS,
    AXIS_WHOLE /* not at all */
};

struct stage {
    struct task *task;
    enum axis axis;
    int64_t unit, units; /* what a slice is a number of, along the axis; and how many there are */
    struct slice whole;
    bool barrier; /* before it, all threads must have come here */
};

struct plan {
    struct stage *stages; /* [count], one for each task */
    int count;
    struct workspace *work; /* [threads] */
    float *strips;
    uint8_t *lists;
};

nninit_status plan_create(struct plan *plan, const struct host *host, const struct exec *exec, int threads,
                          const struct limits *limits);
void plan_finish(struct plan *plan, const struct host *host);
/* Thread t's part of `threads`; false: it has none. What is not cut falls to the last, whose share is never larger. */
bool plan_slice(const struct stage *stage, int thread, int threads, struct slice *slice);

/* Of a product; 0: the task is none. */
int64_t plan_multiplications(const struct task *task);

#endif
