/* SPDX-License-Identifier: MIT */
/* The device side: docs/numerics.md to the bit. Compiled by nvcc with -fmad=false, and by a host compiler for the tests
 * (tests/emulator). Arithmetic is + - * / sqrtf and fmaf; no atomics; nothing depends on the order of blocks. */
#include "kernels.h"

#include "host/philox.h"

#include <cuda_runtime.h>

#ifdef __CUDACC__
#define LAUNCH(kernel, grid, block, stream, ...) (kernel)<<<(grid), (block), 0, (stream)>>>(__VA_ARGS__)
#endif

/* A launch's tasks, by value: parameters are constant memory. */
template <int N> struct tasks {
    struct clock *clock;
    int64_t offset;
    int32_t count;
    int32_t first[N]; /* block of each task: side by side, as every block goes through them */
    struct task task[N];
};

static_assert(sizeof(tasks<LAUNCH_TASKS>) <= 4096, "kernel parameters");

namespace {

/* A step of a run, and whether it takes place. */
struct moment {
    int64_t step;
    bool live;
};

template <int N> __device__ __forceinline__ moment now(const tasks<N> &t) {
    const int64_t step = t.clock->base + t.offset;
    return {step, step <= t.clock->stop};
}

/* The number of the task that this block works on. */
template <int N> __device__ __forceinline__ int my_task(const tasks<N> &t) {
    int k = 0;
    while (k + 1 < t.count && (int32_t)blockIdx.x >= t.first[k + 1])
        k++;
    return k;
}

template <typename T> __device__ __forceinline__ T *at(const matrix &m, int64_t row, int64_t col) {
    return (T *)m.data + (row * m.stride + col);
}

/* The step's row of a slot, whose elements are of four bytes. */
template <typename T> __device__ __forceinline__ T *slot(const matrix &m, int64_t step) {
    return (T *)((uint32_t *)m.data + step * m.stride);
}

#include "elements.cuh"
#include "products.cuh"
#include "rows.cuh"

__global__ void advance(struct clock *clock, int64_t steps) {
    clock->base += steps;
}

template <int N> tasks<N> parameters(const struct launch *launch, struct clock *clock, int64_t offset) {
    tasks<N> t = {};
    t.clock = clock;
    t.offset = offset;
    t.count = launch->count;
    for (int k = 0; k < launch->count; k++) {
        t.first[k] = launch->first[k];
        t.task[k] = launch->tasks[k];
    }
    return t;
}

/* Most launches have one task; those of several take all parameters with them. */
#define LAUNCH_TASKS_OF(kernel, threads)                                                                               \
    do {                                                                                                               \
        if (launch->count == 1)                                                                                        \
            LAUNCH((kernel<1>), grid, threads, stream, parameters<1>(launch, clock, offset));                          \
        else                                                                                                           \
            LAUNCH((kernel<LAUNCH_TASKS>), grid, threads, stream, parameters<LAUNCH_TASKS>(launch, clock, offset));    \
    } while (0)

} // namespace

extern "C" int64_t kernels_tiles(enum family family, bool wide, const struct task *task) {
    const int64_t rows = family == FAMILY_UPDATE ? task->out[0].rows : task->in[0].rows;
    const int64_t cols = family == FAMILY_PRODUCT_NT ? task->in[1].rows : task->out[0].cols;
    const int64_t side = wide ? wide_tile::M : family == FAMILY_UPDATE ? update_tile::M : narrow_tile::M;
    return (rows + side - 1) / side * ((cols + side - 1) / side);
}

extern "C" int64_t kernels_blocks(enum family family, bool wide, struct task *task) {
    const bool sum = task->kind == KIND_COLUMN_SUM || task->kind == KIND_COLUMN_SUM_ADAM;
    const int64_t rows = task->out[0].rows;
    task->lane_bits = 0;
    switch (family) {
    case FAMILY_ELEMENTS: {
        while (1 << task->lane_bits < ELEMENT_THREADS && 1 << task->lane_bits < task->out[0].cols)
            task->lane_bits++;
        const int64_t lanes = 1 << task->lane_bits, high = ELEMENT_THREADS / lanes;
        return (rows + high - 1) / high * ((task->out[0].cols + lanes - 1) / lanes);
    }
    case FAMILY_ROWS: {
        const int64_t count = task->kind == KIND_MAX_NORM ? rows : task->in[0].rows;
        if (task->kind == KIND_CROSS_ENTROPY_ALL && count <= ROWS_IN_ONE_BLOCK)
            return 1;
        return (count + ROWS_A_BLOCK - 1) / ROWS_A_BLOCK;
    }
    case FAMILY_WHOLE:
        return 1;
    default:
        return sum ? (rows + SUM_COLUMNS - 1) / SUM_COLUMNS : kernels_tiles(family, wide, task);
    }
}

extern "C" cudaError_t kernels_launch(const struct launch *launch, struct clock *clock, int64_t offset,
                                      cudaStream_t stream) {
    const dim3 grid((unsigned)launch->blocks);
    switch (launch->family) {
    case FAMILY_ELEMENTS:
        LAUNCH_TASKS_OF(elements, ELEMENT_THREADS);
        break;
    case FAMILY_ROWS:
        LAUNCH((by_rows), grid, ROW_THREADS, stream, parameters<1>(launch, clock, offset));
        break;
    case FAMILY_WHOLE:
        LAUNCH((over_all), grid, WHOLE_THREADS, stream, parameters<1>(launch, clock, offset));
        break;
    case FAMILY_PRODUCT_NT:
        if (launch->wide)
            LAUNCH((product_nt<wide_tile>), grid, wide_tile::THREADS, stream, parameters<1>(launch, clock, offset));
        else
            LAUNCH((product_nt<narrow_tile>), grid, narrow_tile::THREADS, stream, parameters<1>(launch, clock, offset));
        break;
    case FAMILY_PRODUCT_NN:
        if (launch->wide)
            LAUNCH((product_nn<wide_tile>), grid, wide_tile::THREADS, stream, parameters<1>(launch, clock, offset));
        else
            LAUNCH((product_nn<narrow_tile>), grid, narrow_tile::THREADS, stream, parameters<1>(launch, clock, offset));
        break;
    default:
        if (launch->wide)
            LAUNCH_TASKS_OF(update_wide, wide_tile::THREADS);
        else
            LAUNCH_TASKS_OF(update_narrow, update_tile::THREADS);
    }
    return cudaGetLastError();
}

extern "C" cudaError_t kernels_advance(struct clock *clock, int64_t steps, cudaStream_t stream) {
    LAUNCH((advance), 1, 1, stream, clock, steps);
    return cudaGetLastError();
}

extern "C" cudaError_t kernels_load(void) {
    const void *const kernels[] = {(const void *)elements<1>,
                                   (const void *)elements<LAUNCH_TASKS>,
                                   (const void *)by_rows,
                                   (const void *)over_all,
                                   (const void *)product_nt<narrow_tile>,
                                   (const void *)product_nt<wide_tile>,
                                   (const void *)product_nn<narrow_tile>,
                                   (const void *)product_nn<wide_tile>,
                                   (const void *)update_narrow<1>,
                                   (const void *)update_narrow<LAUNCH_TASKS>,
                                   (const void *)update_wide<1>,
                                   (const void *)update_wide<LAUNCH_TASKS>,
                                   (const void *)advance};
    for (const void *kernel : kernels) {
        struct cudaFuncAttributes attributes;
        const cudaError_t error = cudaFuncGetAttributes(&attributes, kernel);
        if (error != cudaSuccess)
            return error;
    }
    return cudaSuccess;
}
