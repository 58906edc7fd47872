/* SPDX-License-Identifier: MIT */
/* Kernels that the emulator's tests share, and what checks them. Each can have one fault planted in it. */
#ifndef EMULATOR_TEST_KERNELS_H
#define EMULATOR_TEST_KERNELS_H

#include <cuda_runtime.h>

#include "emulator.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            std::fprintf(stderr, "%s:%d: wrong: %s\n", __FILE__, __LINE__, #condition);    \
            std::exit(1);                                                                  \
        }                                                                                  \
    } while (0)
#define OK(call) CHECK((call) == cudaSuccess)

namespace {

enum fault {
    NONE,
    NO_BARRIER_BEFORE_READING,
    NO_BARRIER_AFTER_READING,
    NO_BARRIER_BETWEEN_USES,
    BARRIER_IN_A_BRANCH,
    BARRIER_AFTER_A_RETURN,
    NO_SYNCWARP,
    ROW_TOO_MANY,
    COLUMN_TOO_MANY,
    UNWRITTEN,
    ONE_WORD,
    LANES_MISSING,
    MISALIGNED
};

enum { TILE = 16, CHUNK = 64, SIDE = 8 }; /* of outputs, of k at a time, of threads: each has 2 x 2 outputs */

struct product_shape {
    const float *a, *b; /* [rows, depth], [columns, depth] */
    float *c;           /* [rows, columns] */
    int rows, columns, depth;
};

__device__ __forceinline__ float element(const float *x, int rows, int depth, int row, int k) {
    return row < rows && k < depth ? __ldg(x + (size_t)row * (size_t)depth + k) : 0;
}

/* c = a b^T, in one chain of fused multiply-adds for each output. */
template <int FAULT> __global__ void __launch_bounds__(SIDE *SIDE) product(const __grid_constant__ product_shape s) {
    __shared__ float tile[2][TILE][CHUNK + 4];
    const int x = (int)threadIdx.x, y = (int)threadIdx.y, row0 = (int)blockIdx.y * TILE, column0 = (int)blockIdx.x * TILE;
    float sum[2][2] = {};
    if (FAULT == BARRIER_AFTER_A_RETURN && x == 5)
        return;
    for (int k0 = 0; k0 < s.depth; k0 += CHUNK) {
        for (int i = y * SIDE + x; i < TILE * CHUNK; i += SIDE * SIDE) {
            const int row = i / CHUNK, k = i % CHUNK;
            tile[0][row][k] = element(s.a, s.rows, s.depth, row0 + row, k0 + k);
            tile[1][row][k] = element(s.b, s.columns, s.depth, column0 + row, k0 + k);
        }
        if (FAULT == BARRIER_IN_A_BRANCH && x % 2)
            __syncthreads();
        else if (FAULT != NO_BARRIER_BEFORE_READING)
            __syncthreads();
        for (int k = 0; k < CHUNK && k < s.depth - k0; ++k)
            for (int i = 0; i < 2; ++i)
                for (int j = 0; j < 2; ++j)
                    sum[i][j] = fmaf(tile[0][y + SIDE * i][k], tile[1][x + SIDE * j][k], sum[i][j]);
        if (FAULT != NO_BARRIER_AFTER_READING)
            __syncthreads();
    }
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) {
            const int row = row0 + y + SIDE * i, column = column0 + x + SIDE * j;
            if (row < s.rows + (FAULT == ROW_TOO_MANY) && column < s.columns)
                s.c[(size_t)row * (size_t)s.columns + column] = sum[i][j];
        }
}

/* Sums of 32 columns of a matrix [rows, 32] and, in the same array, of their squares; then the column before each. */
template <int FAULT> __global__ void columns(const float *x, float *sums, float *squares, float *before, int rows) {
    __shared__ float part[4][32];
    __shared__ float line[32];
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
    float sum = 0, square = 0;
    for (int row = warp; row < rows; row += 4) {
        sum += x[row * 32 + lane];
        square = fmaf(x[row * 32 + lane], x[row * 32 + lane], square);
    }
    if (FAULT != UNWRITTEN || warp != 2)
        part[warp][lane] = sum;
    __syncthreads();
    if (warp == 0)
        sums[lane] = part[0][lane] + part[1][lane] + part[2][lane] + part[3][lane];
    if (FAULT != NO_BARRIER_BETWEEN_USES)
        __syncthreads();
    part[warp][lane] = square;
    __syncthreads();
    if (warp == 1)
        squares[lane] = part[0][lane] + part[1][lane] + part[2][lane] + part[3][lane];
    if (warp == 3) {
        line[lane + (FAULT == COLUMN_TOO_MANY)] = x[lane];
        if (FAULT != NO_SYNCWARP)
            __syncwarp();
        before[lane] = line[(lane + 31) % 32];
    }
}

/* The sum of each 32 values by shuffles, and of 4 at a time. */
template <int FAULT> __global__ void shuffled(const float *x, float *sums, float *fours, int count) {
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    float sum = i < count ? x[i] : 0;
    if (FAULT == LANES_MISSING && i % 32 == 7)
        return;
    for (int lanes = 16; lanes > 0; lanes /= 2)
        sum += __shfl_xor_sync(0xffffffff, sum, lanes);
    if (i % 32 == 0)
        sums[i / 32] = sum;
    if (4 * i + 3 < count) {
        const float4 v = *reinterpret_cast<const float4 *>(x + 4 * i - (FAULT == MISALIGNED && i > 0));
        fours[i] = v.x + v.y + v.z + v.w;
    }
}

template <int FAULT> __global__ void squares_of(const int32_t *x, int32_t *y, int32_t *count, int n) {
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n)
        y[i] = x[i] * x[i];
    if (FAULT == ONE_WORD ? i < n : i == n - 1)
        *count = n;
}

/* A device with data of small numbers, so that sums in any order are exact. */
struct bench {
    cudaStream_t stream;
    std::vector<void *> blocks;

    bench() { OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)); }

    template <typename T> T *room(size_t count) {
        void *p;
        OK(cudaMalloc(&p, count * sizeof(T)));
        blocks.push_back(p);
        return (T *)p;
    }

    template <typename T> T *put(const std::vector<T> &values) {
        T *p = room<T>(values.size());
        OK(cudaMemcpyAsync(p, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, stream));
        return p;
    }

    template <typename T> std::vector<T> get(const T *p, size_t count) {
        std::vector<T> values(count);
        OK(cudaMemcpyAsync(values.data(), p, count * sizeof(T), cudaMemcpyDeviceToHost, stream));
        return values;
    }

    void close() {
        for (void *p : blocks)
            OK(cudaFree(p));
        OK(cudaStreamDestroy(stream));
    }
};

inline std::vector<float> small_numbers(int count) {
    std::vector<float> values((size_t)count);
    for (int i = 0; i < count; ++i)
        values[(size_t)i] = (float)(i * 7 % 23 - 11);
    return values;
}

template <int FAULT> void check_product(int rows, int columns, int depth) {
    bench b;
    const std::vector<float> x = small_numbers(rows * depth), y = small_numbers(columns * depth);
    const product_shape s = {b.put(x), b.put(y), b.room<float>((size_t)(rows * columns)), rows, columns, depth};
    const dim3 grid((unsigned)(columns + TILE - 1) / TILE, (unsigned)(rows + TILE - 1) / TILE);
    LAUNCH((product<FAULT>), grid, dim3(SIDE, SIDE), b.stream, s);
    OK(cudaGetLastError());
    const std::vector<float> c = b.get(s.c, (size_t)(rows * columns));
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j) {
            float sum = 0;
            for (int k = 0; k < depth; ++k)
                sum = fmaf(x[(size_t)(i * depth + k)], y[(size_t)(j * depth + k)], sum);
            CHECK(c[(size_t)(i * columns + j)] == sum);
        }
    b.close();
}

template <int FAULT> void check_columns() {
    enum { ROWS = 50 };
    bench b;
    const std::vector<float> x = small_numbers(ROWS * 32);
    const float *device = b.put(x);
    float *sums = b.room<float>(32), *squares = b.room<float>(32), *before = b.room<float>(32);
    LAUNCH(columns<FAULT>, 1, 128, b.stream, device, sums, squares, before, ROWS);
    OK(cudaGetLastError());
    const std::vector<float> got_sums = b.get(sums, 32), got_squares = b.get(squares, 32), got_before = b.get(before, 32);
    for (size_t column = 0; column < 32; ++column) {
        float sum = 0, square = 0;
        for (size_t row = 0; row < ROWS; ++row) {
            sum += x[row * 32 + column];
            square += x[row * 32 + column] * x[row * 32 + column];
        }
        CHECK(got_sums[column] == sum);
        CHECK(got_squares[column] == square);
        CHECK(got_before[column] == x[(column + 31) % 32]);
    }
    b.close();
}

template <int FAULT> void check_shuffled() {
    enum { COUNT = 256 };
    bench b;
    const std::vector<float> x = small_numbers(COUNT);
    const float *device = b.put(x);
    float *sums = b.room<float>(COUNT / 32), *fours = b.room<float>(COUNT / 4);
    LAUNCH(shuffled<FAULT>, 2, 128, b.stream, device, sums, fours, COUNT);
    OK(cudaGetLastError());
    const std::vector<float> got = b.get(sums, COUNT / 32), got_fours = b.get(fours, COUNT / 4);
    for (size_t i = 0; i < COUNT; ++i) {
        float sum = 0;
        for (size_t j = 0; j < 32; ++j)
            sum += x[i / 32 * 32 + j];
        CHECK(got[i / 32] == sum);
        CHECK(got_fours[i / 4] == x[i / 4 * 4] + x[i / 4 * 4 + 1] + x[i / 4 * 4 + 2] + x[i / 4 * 4 + 3]);
    }
    b.close();
}

template <int FAULT> void check_squares() {
    enum { N = 1000 };
    bench b;
    std::vector<int32_t> x(N);
    for (size_t i = 0; i < N; ++i)
        x[i] = (int32_t)i;
    const int32_t *device = b.put(x);
    int32_t *y = b.room<int32_t>(N), *count = b.room<int32_t>(1);
    LAUNCH(squares_of<FAULT>, 4, 256, b.stream, device, y, count, N);
    OK(cudaGetLastError());
    const std::vector<int32_t> got = b.get(y, N);
    for (size_t i = 0; i < N; ++i)
        CHECK(got[i] == (int32_t)(i * i));
    CHECK(b.get(count, 1)[0] == N);
    b.close();
}

} // namespace

#endif
