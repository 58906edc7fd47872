/* SPDX-License-Identifier: MIT */
/* Kinds that take sums: the law's S has sixteen partial sums, which are half a warp's lanes. Part of kernels.cu. */

enum { ROW_THREADS = 1024, ROWS_A_BLOCK = ROW_THREADS / 16, WHOLE_THREADS = 256 };

/* Lane j < w adds lane j + w; its partner computes the same sum, so that all sixteen end with it. All lanes of the warp. */
__device__ __forceinline__ float fold(float s) {
#pragma unroll
    for (int w = 8; w > 0; w /= 2)
        s += __shfl_xor_sync(0xffffffffu, s, w);
    return s;
}

__device__ __forceinline__ float largest(float m) {
#pragma unroll
    for (int w = 8; w > 0; w /= 2) {
        const float other = __shfl_xor_sync(0xffffffffu, m, w);
        m = other > m ? other : m;
    }
    return m;
}

/* Half a warp before a row of n elements; n = 0: it has none, and takes part for the sake of the warp's other half. */
struct row_of {
    const float *z;
    int32_t n, lane;

    __device__ __forceinline__ float maximum() const {
        float m = n > 0 ? z[0] : 0.0f;
        for (int32_t j = lane; j < n; j += 16)
            m = z[j] > m ? z[j] : m;
        return largest(m);
    }

    /* S of f(j). */
    template <typename F> __device__ __forceinline__ float sum(F f) const {
        float s = 0.0f;
        for (int32_t j = lane; j < n; j += 16)
            s += f(j);
        return fold(s);
    }

    __device__ __forceinline__ int32_t argmax() const {
        float best = n > 0 ? z[0] : 0.0f;
        int32_t index = 0;
        for (int32_t j = lane; j < n; j += 16)
            if (z[j] > best) {
                best = z[j];
                index = j;
            }
#pragma unroll
        for (int w = 8; w > 0; w /= 2) {
            const float value = __shfl_xor_sync(0xffffffffu, best, w);
            const int32_t other = __shfl_xor_sync(0xffffffffu, index, w);
            if (value > best || (value == best && other < index)) {
                best = value;
                index = other;
            }
        }
        return index;
    }
};

/* A row's losses and gradient, as far as the kind asks for them; returns the loss. */
__device__ __forceinline__ float cross_entropy_row(const task &t, const row_of &x, int32_t r, bool write) {
    const int32_t label = x.n > 0 ? *at<int32_t>(t.in[1], r, 0) : 0;
    const float m = x.maximum(), s = x.sum([&](int32_t j) { return law_exp(x.z[j] - m); });
    const float loss = x.n > 0 ? law_log(s) - (x.z[label] - m) : 0.0f;
    const bool losses = t.kind != KIND_CROSS_ENTROPY_GRADIENT, gradient = t.kind != KIND_CROSS_ENTROPY;
    if (write && losses && x.lane == 0)
        *at<float>(t.out[0], r, 0) = loss;
    float *dz = at<float>(t.out[t.kind == KIND_CROSS_ENTROPY_ALL ? 2 : 0], r, 0);
    if (write && gradient)
        for (int32_t j = x.lane; j < x.n; j += 16)
            dz[j] = (law_exp(x.z[j] - m) / s - (j == label ? 1.0f : 0.0f)) / (float)t.in[0].rows;
    return loss;
}

__device__ __forceinline__ void softmax_row(const task &t, const row_of &x, int32_t r, bool write) {
    float *y = at<float>(t.out[0], r, t.arg.first);
    const float m = x.maximum(), s = x.sum([&](int32_t j) { return law_exp(x.z[j] - m); });
    __syncwarp(); /* y may be z, whose first element every lane has read */
    if (write)
        for (int32_t j = x.lane; j < x.n; j += 16)
            y[j] = law_exp(x.z[j] - m) / s;
}

__device__ __forceinline__ void max_norm_row(const task &t, const row_of &x, int32_t r, bool write) {
    float *w = at<float>(t.out[0], r, 0);
    const float factor = law_max_norm(x.sum([&](int32_t j) { return x.z[j] * x.z[j]; }), t.arg.number);
    if (write)
        for (int32_t j = x.lane; j < x.n; j += 16)
            w[j] *= factor;
}

/* One row, if it is there; returns its loss. */
__device__ __forceinline__ float row(const task &t, int32_t r, int32_t lane, bool there, bool live) {
    const bool norm = t.kind == KIND_MAX_NORM, part = t.kind == KIND_SOFTMAX || t.kind == KIND_PICK;
    const matrix &in = norm ? t.out[0] : t.in[0];
    const int32_t first = part ? t.arg.first : 0;
    const row_of x = {at<float>(in, r, first), there ? in.cols - first : 0, lane};
    const bool write = there && live;
    switch (t.kind) {
    case KIND_SOFTMAX:
        softmax_row(t, x, r, write);
        break;
    case KIND_MAX_NORM:
        max_norm_row(t, x, r, write);
        break;
    case KIND_PICK: /* one after the other: the sum of probabilities ascends */
        if (write && lane == 0)
            law_pick(*x.z, at<float>(t.in[1], r, first), x.n, at<float>(t.out[0], r, first));
        break;
    case KIND_SOFTPLUS_SUM: {
        const float sum = x.sum([&](int32_t j) { return law_softplus(x.z[j]); });
        if (write && lane == 0)
            *at<float>(t.out[0], r, 0) = sum;
        break;
    }
    case KIND_ARGMAX: {
        const int32_t best = x.argmax();
        if (write && lane == 0)
            *at<int32_t>(t.out[0], r, 0) = best;
        break;
    }
    default:
        return cross_entropy_row(t, x, r, write);
    }
    return 0.0f;
}

/* The mean of n elements whose S is s; one that is not finite lets no later step take place. */
__device__ __forceinline__ void write_mean(const matrix &out, float s, int64_t n, const moment &m, struct clock *clock) {
    const float mean = s / (float)n;
    *slot<float>(out, m.step) = mean;
    if (!(fabsf(mean) <= FLT_MAX))
        clock->stop = m.step;
}

__global__ void __launch_bounds__(ROW_THREADS, 1) by_rows(const __grid_constant__ tasks<1> all) {
    __shared__ float losses[ROWS_IN_ONE_BLOCK];
    const task &t = all.task[0];
    const moment m = now(all);
    const int32_t lane = (int32_t)threadIdx.x % 16, count = t.kind == KIND_MAX_NORM ? t.out[0].rows : t.in[0].rows;
    const bool mean = t.kind == KIND_CROSS_ENTROPY_ALL && count <= ROWS_IN_ONE_BLOCK;
    const int32_t stride = (int32_t)gridDim.x * ROWS_A_BLOCK;
    for (int32_t first = (int32_t)blockIdx.x * ROWS_A_BLOCK; first < count; first += stride) {
        const int32_t r = first + (int32_t)threadIdx.x / 16;
        const bool there = r < count;
        const float loss = row(t, r, lane, there, m.live);
        if (mean && there && lane == 0)
            losses[r] = loss;
    }
    if (!mean)
        return;
    __syncthreads();
    if (threadIdx.x < 32) {
        float s = 0.0f;
        for (int32_t r = lane; r < count; r += 16)
            s += losses[r];
        s = fold(s);
        if (threadIdx.x == 0 && m.live)
            write_mean(t.out[1], s, count, m, all.clock);
    }
}

/* MEAN: tiles through shared memory, because sixteen lanes alone would wait for every element. A thread's elements are
 * WHOLE_THREADS apart. Beyond the last there are zeros, which no sum that began at +0 notices. */
__device__ __forceinline__ void mean_of_all(const task &t, const moment &m, struct clock *clock) {
    constexpr int32_t DEEP = 8, SIZE = DEEP * WHOLE_THREADS, LANES = 16;
    __shared__ float tile[SIZE];
    const matrix &x = t.in[0];
    const int64_t n = (int64_t)x.rows * x.cols;
    const int32_t thread = (int32_t)threadIdx.x, down = WHOLE_THREADS / x.cols, right = WHOLE_THREADS % x.cols;
    int32_t r = thread / x.cols, c = thread % x.cols;
    float s = 0.0f;
    for (int64_t first = 0; first < n; first += SIZE) {
        float y[DEEP];
#pragma unroll
        for (int k = 0; k < DEEP; k++) {
            y[k] = r < x.rows ? *at<float>(x, r, c) : 0.0f;
            r += down;
            c += right;
            if (c >= x.cols) {
                c -= x.cols;
                r++;
            }
        }
#pragma unroll
        for (int k = 0; k < DEEP; k++)
            tile[thread + k * WHOLE_THREADS] = y[k];
        __syncthreads();
        const int32_t left = (int32_t)(n - first < SIZE ? n - first : SIZE);
        for (int32_t i = thread; thread < LANES && i < left; i += 8 * LANES)
#pragma unroll
            for (int k = 0; k < 8; k++)
                s += tile[i + k * LANES];
        __syncthreads();
    }
    if (thread < 32)
        s = fold(s);
    if (thread == 0)
        write_mean(t.out[0], s, n, m, clock);
}

/* COUNT_EQUAL: whole numbers, in any order. */
__device__ __forceinline__ void count_equal(const task &t, const moment &m) {
    __shared__ int32_t counts[WHOLE_THREADS];
    const int32_t thread = (int32_t)threadIdx.x;
    int32_t count = 0;
    for (int32_t r = thread; r < t.in[0].rows; r += WHOLE_THREADS)
        count += *at<int32_t>(t.in[0], r, 0) == *at<int32_t>(t.in[1], r, 0);
    counts[thread] = count;
    for (int32_t w = WHOLE_THREADS / 2; w > 0; w /= 2) {
        __syncthreads();
        if (thread < w)
            counts[thread] += counts[thread + w];
    }
    if (thread == 0)
        *slot<int32_t>(t.out[0], m.step) = counts[0];
}

__global__ void __launch_bounds__(WHOLE_THREADS) over_all(const __grid_constant__ tasks<1> all) {
    const task &t = all.task[0];
    const moment m = now(all);
    if (!m.live)
        return;
    if (t.kind == KIND_MEAN)
        mean_of_all(t, m, all.clock);
    else
        count_equal(t, m);
}
