/* SPDX-License-Identifier: MIT */
/* Products. An output is one thread's, which walks all of k in ascending order, so that its chain is the law's whatever the
 * tile; a block brings its tiles of both operands through shared memory, the next one on its way while one is worked on.
 * Part of kernels.cu. */

/* An output tile of M by N, of which each thread has R by R; tiles of the operands are K deep. */
template <int32_t SIDE, int32_t OWN, int32_t DEPTH> struct tile {
    static constexpr int32_t M = SIDE, N = SIDE, R = OWN, K = DEPTH;
    static constexpr int32_t ACROSS = N / R, THREADS = M / R * ACROSS; /* threads of a row, and of the block */
    static constexpr int32_t QUADS = SIDE * K / 4 / THREADS; /* groups of four that a thread brings of an operand's tile */
};

/* Small outputs are many blocks of two warps, as a step of a small net has no more outputs than a device has lanes. */
typedef tile<16, 2, 64> narrow_tile;
typedef tile<32, 4, 32> update_tile;
typedef tile<64, 4, 16> wide_tile;

/* Of a tile's depth, what is gone through without a look whether it is still needed; columns of a block that sums columns, as many
 * as its smaller size has threads; rows whose loads such a sum has under way. */
enum { PART = 16, SUM_COLUMNS = 64, SUM_ROWS = 32 };

static_assert(update_tile::THREADS == SUM_COLUMNS, "each column has a thread");

__device__ __forceinline__ float4 quad_at(const matrix &m, int32_t row, int32_t col) {
    return row < m.rows && col < m.cols ? *at<float4>({m.data, 0, 0, m.stride / 4}, row, col / 4) : make_float4(0, 0, 0, 0);
}

/* An operand whose rows are outputs: k runs along them. Outputs of a thread are ACROSS apart, so that neighbouring threads
 * read neighbouring rows, which four more columns put into different banks. */
template <typename T> struct along {
    static constexpr int STRIDE = T::K + 4, SIZE = T::M * STRIDE;

    static __device__ __forceinline__ int32_t own(int32_t place, int i) {
        return place + i * T::ACROSS;
    }

    static __device__ __forceinline__ void fetch(float4 quad[T::QUADS], const matrix &m, int32_t first, int32_t k) {
#pragma unroll
        for (int q = 0; q < T::QUADS; q++) {
            const int32_t n = (int32_t)threadIdx.x + q * T::THREADS;
            quad[q] = quad_at(m, first + n / (T::K / 4), k + n % (T::K / 4) * 4);
        }
    }

    static __device__ __forceinline__ void store(float *tile, const float4 quad[T::QUADS]) {
#pragma unroll
        for (int q = 0; q < T::QUADS; q++) {
            const int32_t n = (int32_t)threadIdx.x + q * T::THREADS;
            *(float4 *)(tile + n / (T::K / 4) * STRIDE + n % (T::K / 4) * 4) = quad[q];
        }
    }

    /* Columns k … k + 3 of a thread's outputs. */
    static __device__ __forceinline__ void read(float x[4][T::R], const float *tile, int32_t place, int k) {
#pragma unroll
        for (int i = 0; i < T::R; i++) {
            const float4 v = *(const float4 *)(tile + own(place, i) * STRIDE + k);
            x[0][i] = v.x;
            x[1][i] = v.y;
            x[2][i] = v.z;
            x[3][i] = v.w;
        }
    }
};

/* An operand whose columns are outputs: k runs down them. Outputs of a thread are neighbours. */
template <typename T> struct down {
    static constexpr int STRIDE = T::M, SIZE = T::K * STRIDE;

    static __device__ __forceinline__ int32_t own(int32_t place, int i) {
        return place * T::R + i;
    }

    static __device__ __forceinline__ void fetch(float4 quad[T::QUADS], const matrix &m, int32_t first, int32_t k) {
#pragma unroll
        for (int q = 0; q < T::QUADS; q++) {
            const int32_t n = (int32_t)threadIdx.x + q * T::THREADS;
            quad[q] = quad_at(m, k + n / (T::M / 4), first + n % (T::M / 4) * 4);
        }
    }

    static __device__ __forceinline__ void store(float *tile, const float4 quad[T::QUADS]) {
#pragma unroll
        for (int q = 0; q < T::QUADS; q++)
            *(float4 *)(tile + ((int32_t)threadIdx.x + q * T::THREADS) * 4) = quad[q];
    }

    static __device__ __forceinline__ void read(float x[4][T::R], const float *tile, int32_t place, int k) {
#pragma unroll
        for (int s = 0; s < 4; s++)
#pragma unroll
            for (int i = 0; i < T::R; i++)
                x[s][i] = tile[(k + s) * STRIDE + own(place, i)];
    }
};

/* f(i, j) for each of a thread's outputs. */
template <typename T, typename F> __device__ __forceinline__ void each(F f) {
#pragma unroll
    for (int i = 0; i < T::R; i++)
#pragma unroll
        for (int j = 0; j < T::R; j++)
            f(i, j);
}

/* Where a thread's outputs are: tile `block` of an output with `across` tiles a row. */
template <typename T> struct place {
    int32_t first_row, first_col, row, col;

    __device__ __forceinline__ place(int32_t block, int32_t cols) {
        const int32_t across = (cols + T::N - 1) / T::N;
        first_row = block / across * T::M;
        first_col = block % across * T::N;
        row = (int32_t)threadIdx.x / T::ACROSS;
        col = (int32_t)threadIdx.x % T::ACROSS;
    }
};

/* Four more terms of a thread's chains, from column k of the tiles on. */
template <typename T, typename A, typename B>
__device__ __forceinline__ void accumulate(float sum[T::R][T::R], const place<T> &p, const float *tile_a, const float *tile_b,
                                           int32_t k) {
    float x[4][T::R], y[4][T::R];
    A::read(x, tile_a, p.row, k);
    B::read(y, tile_b, p.col, k);
#pragma unroll
    for (int s = 0; s < 4; s++)
        each<T>([&](int i, int j) { sum[i][j] = fmaf(x[s][i], y[s][j], sum[i][j]); });
}

/* sum[i][j] = the chain over k of a thread's outputs; + 0.0f makes an underflown -0 what skipping zeros gives. */
template <typename T, typename A, typename B>
__device__ __forceinline__ void multiply(float sum[T::R][T::R], const place<T> &p, const matrix &a, const matrix &b,
                                         int32_t depth) {
    __shared__ __align__(16) float tile_a[A::SIZE], tile_b[B::SIZE];
    float4 next_a[T::QUADS], next_b[T::QUADS];
    each<T>([&](int i, int j) { sum[i][j] = 0.0f; });
    A::fetch(next_a, a, p.first_row, 0);
    B::fetch(next_b, b, p.first_col, 0);
    for (int32_t k = 0; k < depth; k += T::K) {
        __syncthreads(); /* nobody reads the last tiles any more */
        A::store(tile_a, next_a);
        B::store(tile_b, next_b);
        /* Before the barrier: behind it the compiler puts these off until the tiles are done with. */
        if (k + T::K < depth) {
            A::fetch(next_a, a, p.first_row, k + T::K);
            B::fetch(next_b, b, p.first_col, k + T::K);
        }
        __syncthreads();
#pragma unroll
        for (int q = 0; q < T::K; q += PART) {
            if (q >= depth - k)
                break; /* only zeros are left, which change no chain */
#pragma unroll
            for (int n = 0; n < PART; n += 4)
                accumulate<T, A, B>(sum, p, tile_a, tile_b, q + n);
        }
    }
    each<T>([&](int i, int j) { sum[i][j] = sum[i][j] + 0.0f; });
}

/* f(i, j, row, column) for each of a thread's outputs that is there. What memory holds of them is read for all before any is
 * written: else each read waits for the write before it, which might be to the same place. */
template <typename T, typename A, typename B, typename F>
__device__ __forceinline__ void each_output(const place<T> &p, int32_t rows, int32_t cols, F f) {
    each<T>([&](int i, int j) {
        const int32_t r = p.first_row + A::own(p.row, i), c = p.first_col + B::own(p.col, j);
        if (r < rows && c < cols)
            f(i, j, r, c);
    });
}

template <typename T, typename A, typename B>
__device__ __forceinline__ void read_outputs(float x[T::R][T::R], const place<T> &p, const matrix &m) {
    each_output<T, A, B>(p, m.rows, m.cols, [&](int i, int j, int32_t r, int32_t c) { x[i][j] = *at<float>(m, r, c); });
}

template <typename T, typename A, typename B>
__device__ __forceinline__ void write_outputs(const float x[T::R][T::R], const place<T> &p, const matrix &m) {
    each_output<T, A, B>(p, m.rows, m.cols, [&](int i, int j, int32_t r, int32_t c) { *at<float>(m, r, c) = x[i][j]; });
}

/* GEMM_NT, LINEAR, LINEAR_RELU: from x [rows, inputs], w [outputs, inputs] and a bias. */
template <typename T> __global__ void __launch_bounds__(T::THREADS) product_nt(const __grid_constant__ tasks<1> all) {
    typedef along<T> A;
    const task &t = all.task[0];
    const matrix &x = t.in[0], &w = t.in[1], &bias = t.in[2], &y = t.out[0];
    const moment m = now(all);
    const place<T> p((int32_t)blockIdx.x, w.rows);
    const bool biased = t.kind != KIND_GEMM_NT, relu = t.kind == KIND_LINEAR_RELU;
    float sum[T::R][T::R], b[T::R];
#pragma unroll
    for (int j = 0; j < T::R; j++) {
        const int32_t c = p.first_col + A::own(p.col, j);
        b[j] = biased && c < bias.rows ? of_column(bias, c) : 0.0f;
    }
    multiply<T, A, A>(sum, p, x, w, x.cols);
    if (m.live)
        each_output<T, A, A>(p, y.rows, w.rows, [&](int i, int j, int32_t r, int32_t c) {
            const float z = biased ? sum[i][j] + b[j] : sum[i][j];
            *at<float>(y, r, c) = relu ? law_relu(z) : z;
        });
}

/* GEMM_NN, GEMM_NN_RELU_GRADIENT: from dy [rows, outputs], w [outputs, inputs] and y [rows, inputs]. */
template <typename T> __global__ void __launch_bounds__(T::THREADS) product_nn(const __grid_constant__ tasks<1> all) {
    typedef along<T> A;
    typedef down<T> B;
    const task &t = all.task[0];
    const matrix &dy = t.in[0], &w = t.in[1], &y = t.in[2], &dx = t.out[0];
    const moment m = now(all);
    const place<T> p((int32_t)blockIdx.x, dx.cols);
    const bool masked = t.kind == KIND_GEMM_NN_RELU_GRADIENT;
    float sum[T::R][T::R], mask[T::R][T::R];
    if (masked)
        read_outputs<T, A, B>(mask, p, y);
    multiply<T, A, B>(sum, p, dy, w, w.rows);
    if (m.live)
        each_output<T, A, B>(p, dx.rows, dx.cols, [&](int i, int j, int32_t r, int32_t c) {
            *at<float>(dx, r, c) = !masked || mask[i][j] > 0.0f ? sum[i][j] : 0.0f;
        });
}

__device__ __forceinline__ float step_value(const matrix &m, int64_t step) {
    return *slot<float>(m, step);
}

template <typename T>
__device__ __forceinline__ void adam_outputs(const task &t, const moment &m, const place<T> &p, const float g[T::R][T::R]) {
    typedef down<T> D;
    const float size = step_value(t.in[2], m.step), root = step_value(t.in[3], m.step), shrink = step_value(t.in[4], m.step);
    float value[T::R][T::R] = {}, first[T::R][T::R] = {}, second[T::R][T::R] = {};
    read_outputs<T, D, D>(value, p, t.out[0]);
    read_outputs<T, D, D>(first, p, t.out[1]);
    read_outputs<T, D, D>(second, p, t.out[2]);
    each<T>([&](int i, int j) {
        law_adam(&t.arg.adam, size, root, shrink, g[i][j], &value[i][j], &first[i][j], &second[i][j]);
    });
    write_outputs<T, D, D>(value, p, t.out[0]);
    write_outputs<T, D, D>(first, p, t.out[1]);
    write_outputs<T, D, D>(second, p, t.out[2]);
}

template <typename T>
__device__ __forceinline__ void contrast_outputs(const task &t, const moment &m, const place<T> &p,
                                                 const float data[T::R][T::R], const float model[T::R][T::R]) {
    typedef down<T> D;
    const struct law_contrast rates = *slot<struct law_contrast>(t.in[4], m.step);
    float value[T::R][T::R] = {}, momentum[T::R][T::R] = {};
    read_outputs<T, D, D>(value, p, t.out[0]);
    read_outputs<T, D, D>(momentum, p, t.out[1]);
    each<T>([&](int i, int j) { law_contrast(&rates, data[i][j], model[i][j], &value[i][j], &momentum[i][j]); });
    write_outputs<T, D, D>(value, p, t.out[0]);
    write_outputs<T, D, D>(momentum, p, t.out[1]);
}

/* GEMM_TN and what takes its sums: from dy [rows, outputs], x [rows, inputs]. */
template <typename T> __device__ __forceinline__ void update_weights(const task &t, const moment &m, int32_t block) {
    typedef down<T> D;
    const matrix &out = t.out[0];
    const place<T> p(block, out.cols);
    float sum[T::R][T::R], model[T::R][T::R];
    multiply<T, D, D>(sum, p, t.in[0], t.in[1], t.in[0].rows);
    if (t.kind == KIND_GEMM_TN_CONTRAST)
        multiply<T, D, D>(model, p, t.in[2], t.in[3], t.in[2].rows);
    if (!m.live)
        return;
    if (t.kind == KIND_GEMM_TN)
        write_outputs<T, D, D>(sum, p, out);
    if (t.kind == KIND_GEMM_TN_ADAM)
        adam_outputs<T>(t, m, p, sum);
    if (t.kind == KIND_GEMM_TN_CONTRAST)
        contrast_outputs<T>(t, m, p, sum, model);
}

/* COLUMN_SUM, COLUMN_SUM_ADAM: rows ascending, a thread a column. */
__device__ __forceinline__ void update_bias(const task &t, const moment &m, int32_t block) {
    const matrix &dy = t.in[0];
    const int32_t o = block * SUM_COLUMNS + (int32_t)threadIdx.x;
    if (threadIdx.x >= SUM_COLUMNS || o >= dy.cols)
        return;
    float sum = 0.0f;
    for (int32_t b = 0; b < dy.rows; b += SUM_ROWS) {
        float x[SUM_ROWS];
#pragma unroll
        for (int i = 0; i < SUM_ROWS; i++) /* a sum that begins at +0 is never -0, so that more zeros change nothing */
            x[i] = b + i < dy.rows ? *at<float>(dy, b + i, o) : 0.0f;
#pragma unroll
        for (int i = 0; i < SUM_ROWS; i++)
            sum += x[i];
    }
    if (!m.live)
        return;
    if (t.kind == KIND_COLUMN_SUM) {
        *at<float>(t.out[0], o, 0) = sum;
        return;
    }
    float *value = at<float>(t.out[0], o, 0), *first = at<float>(t.out[1], o, 0), *second = at<float>(t.out[2], o, 0);
    float p = *value, mean = *first, square = *second;
    law_adam(&t.arg.adam, step_value(t.in[1], m.step), step_value(t.in[2], m.step), step_value(t.in[3], m.step), sum, &p, &mean,
             &square);
    *value = p;
    *first = mean;
    *second = square;
}

template <int N, typename T> __device__ __forceinline__ void update(const tasks<N> &all) {
    const int k = my_task(all);
    const task &t = all.task[k];
    const moment m = now(all);
    const int32_t block = (int32_t)blockIdx.x - all.first[k];
    if (t.kind == KIND_COLUMN_SUM || t.kind == KIND_COLUMN_SUM_ADAM)
        update_bias(t, m, block);
    else
        update_weights<T>(t, m, block);
}

template <int N> __global__ void __launch_bounds__(update_tile::THREADS) update_narrow(const __grid_constant__ tasks<N> all) {
    update<N, update_tile>(all);
}

template <int N> __global__ void __launch_bounds__(wide_tile::THREADS) update_wide(const __grid_constant__ tasks<N> all) {
    update<N, wide_tile>(all);
}
