/* SPDX-License-Identifier: MIT */
/* What the host side (C) asks of the device side (kernels.cu). */
#ifndef NNINIT_CUDA_KERNELS_H
#define NNINIT_CUDA_KERNELS_H

#include "kinds.h"
#include "law.h"

#include <cuda_runtime_api.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A matrix in device memory. Every row begins at a multiple of four elements, and what pads it is zero and stays so: kernels
 * read four at a time and never write there. Of a slot the rows are those of its table, one a step. */
struct matrix {
    void *data; /* NULL: no such operand */
    int32_t rows, cols, stride;
};

/* A node whose operands are resolved. */
struct task {
    int32_t kind;
    int32_t lane_bits; /* FAMILY_ELEMENTS: 2^lane_bits threads of a block share a row */
    struct matrix in[NODE_INPUTS], out[NODE_OUTPUTS];
    union {
        float number;
        int32_t first;
        struct law_adam adam;
        struct law_sgd sgd;
        struct law_sparsity sparsity;
    } arg;
};

/* The kernels: kinds of one family share one. */
enum family {
    FAMILY_ELEMENTS,   /* a thread an element */
    FAMILY_ROWS,       /* half a warp a row: its lanes are the sixteen partial sums of the law's S */
    FAMILY_WHOLE,      /* one block: sums over all elements */
    FAMILY_PRODUCT_NT, /* GEMM_NT and what follows it */
    FAMILY_PRODUCT_NN,
    FAMILY_UPDATE,     /* gradients of parameters and what follows them: products over rows of the batch, column sums */
    FAMILY_COUNT
};

/* Kernel parameters stay below 4 KiB. */
enum { LAUNCH_TASKS = 16 };

/* One kernel launch: tasks of one family that do not depend on each other. */
struct launch {
    enum family family;
    unsigned phase;
    bool wide; /* products: large tiles, for more arithmetic a loaded value; else small ones, for more blocks */
    int count;
    int64_t blocks;
    int32_t first[LAUNCH_TASKS]; /* block of each task */
    struct task tasks[LAUNCH_TASKS];
};

/* Where a run is; in device memory. A kernel that was recorded as step `offset` of a graph works on row base + offset of the
 * tables, and does nothing beyond row `stop`: the one whose mean is not finite. */
struct clock {
    int64_t base, stop;
};

enum { ROWS_IN_ONE_BLOCK = 1024 }; /* of CROSS_ENTROPY_ALL: else its mean is a launch of its own */

/* Blocks that a task needs; sets its lane_bits. */
int64_t kernels_blocks(enum family family, bool wide, struct task *task);
/* Tiles of a product's output. */
int64_t kernels_tiles(enum family family, bool wide, const struct task *task);
/* Submit a launch; the error is the launch's, not the kernel's. */
cudaError_t kernels_launch(const struct launch *launch, struct clock *clock, int64_t offset, cudaStream_t stream);
cudaError_t kernels_advance(struct clock *clock, int64_t steps, cudaStream_t stream);
/* Load every kernel; fails where this device has no machine code of them. */
cudaError_t kernels_load(void);

#ifdef __cplusplus
}
#endif

#endif
