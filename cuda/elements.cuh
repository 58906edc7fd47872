/* SPDX-License-Identifier: MIT */
/* Kinds whose outputs each depend on a few elements: a thread for each. Part of kernels.cu. */

enum { ELEMENT_THREADS = 256 };

/* Word i of a draw, and the other three of its block. */
__device__ __forceinline__ void draw_words(const uint32_t *key, uint64_t block, uint32_t word[4]) {
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), key[2], key[3]};
    philox((uint64_t)key[1] << 32 | key[0], counter, word);
}

__device__ __forceinline__ float draw_uniform(const uint32_t *key, uint64_t i) {
    uint32_t word[4];
    draw_words(key, i / 4, word);
    return law_unit(i % 4 < 2 ? (i % 2 ? word[1] : word[0]) : (i % 2 ? word[3] : word[2]));
}

/* fmaf with 1 and 0 as the host has it: it makes -0 +0. */
__device__ __forceinline__ float draw_normal(const uint32_t *key, uint64_t i) {
    uint32_t word[4];
    float first, second;
    draw_words(key, i / 4, word);
    const bool upper = i % 4 >= 2;
    law_normals(law_unit(upper ? word[2] : word[0]), law_unit(upper ? word[3] : word[1]), &first, &second);
    return fmaf(i % 2 ? second : first, 1.0f, 0.0f);
}

/* An operand that has a value a column: a bias. */
__device__ __forceinline__ float of_column(const matrix &m, int32_t c) {
    return *at<float>(m, c, 0);
}

#define X(k) (*at<float>(t.in[k], r, c))
#define Y(k) (*at<float>(t.out[k], r, c))
#define SLOT(k) (*slot<float>(t.in[k], step))

__device__ __forceinline__ void element_forward(const task &t, int64_t step, int32_t r, int32_t c) {
    switch (t.kind) {
    case KIND_GATHER_U8:
        Y(0) = (float)*at<uint8_t>(t.in[0], slot<int32_t>(t.in[1], step)[r], c) / t.arg.number;
        break;
    case KIND_GATHER_F32:
        Y(0) = *at<float>(t.in[0], slot<int32_t>(t.in[1], step)[r], c);
        break;
    case KIND_GATHER_I32:
        *at<int32_t>(t.out[0], r, c) = *at<int32_t>(t.in[0], slot<int32_t>(t.in[1], step)[r], c);
        break;
    case KIND_BIAS: Y(0) = X(0) + of_column(t.in[1], c); break;
    case KIND_RELU: Y(0) = law_relu(X(0)); break;
    case KIND_LEAKY_RELU: Y(0) = law_leaky_relu(X(0), t.arg.number); break;
    case KIND_SIGMOID: Y(0) = law_sigmoid(X(0)); break;
    case KIND_TANH: Y(0) = law_tanh(X(0)); break;
    case KIND_SQUARED_ERROR: Y(0) = (X(0) - X(1)) * (X(0) - X(1)); break;
    case KIND_ADD: Y(0) = X(0) + X(1); break;
    case KIND_SCALE: Y(0) = SLOT(1) * X(0); break;
    case KIND_SELECT: Y(0) = X(0) != 0.0f ? X(1) : X(2); break;
    case KIND_LESS: Y(0) = X(0) < X(1) ? 1.0f : 0.0f; break;
    case KIND_PHILOX_UNIFORM:
        Y(0) = draw_uniform(slot<uint32_t>(t.in[0], step), (uint64_t)r * (uint64_t)t.out[0].cols + (uint64_t)c);
        break;
    case KIND_PHILOX_NORMAL:
        Y(0) = draw_normal(slot<uint32_t>(t.in[0], step), (uint64_t)r * (uint64_t)t.out[0].cols + (uint64_t)c);
        break;
    }
}

__device__ __forceinline__ void element_backward(const task &t, int64_t step, int32_t r, int32_t c) {
    switch (t.kind) {
    case KIND_RELU_GRADIENT: Y(0) = X(0) > 0.0f ? X(1) : 0.0f; break;
    case KIND_LEAKY_RELU_GRADIENT: Y(0) = X(0) > 0.0f ? X(1) : t.arg.number * X(1); break;
    case KIND_SIGMOID_GRADIENT: Y(0) = X(1) * (X(0) * (1.0f - X(0))); break;
    case KIND_TANH_GRADIENT: Y(0) = X(1) * (1.0f - X(0) * X(0)); break;
    case KIND_SQUARED_ERROR_GRADIENT:
        Y(0) = 2.0f * (X(0) - X(1)) / (float)((int64_t)t.out[0].rows * t.out[0].cols);
        break;
    case KIND_SGD:
        law_sgd(&t.arg.sgd, SLOT(1), SLOT(2), X(0), &Y(0), t.out[1].data ? &Y(1) : NULL);
        break;
    case KIND_ADAM: { /* all reads before the first write, for which they would wait */
        float p = Y(0), m = Y(1), v = Y(2);
        law_adam(&t.arg.adam, SLOT(1), SLOT(2), SLOT(3), X(0), &p, &m, &v);
        Y(0) = p;
        Y(1) = m;
        Y(2) = v;
        break;
    }
    case KIND_CONTRAST:
        law_contrast(slot<struct law_contrast>(t.in[2], step), X(0), X(1), &Y(0), &Y(1));
        break;
    case KIND_SPARSITY:
        law_sparsity(&t.arg.sparsity, X(0), &Y(0), &Y(1));
        break;
    default:
        element_forward(t, step, r, c);
    }
}

#undef X
#undef Y
#undef SLOT

template <int N> __global__ void __launch_bounds__(ELEMENT_THREADS) elements(const __grid_constant__ tasks<N> all) {
    const int k = my_task(all);
    const task &t = all.task[k];
    const moment m = now(all);
    const int32_t lanes = 1 << t.lane_bits, across = (t.out[0].cols + lanes - 1) >> t.lane_bits;
    const int32_t block = (int32_t)blockIdx.x - all.first[k], thread = (int32_t)threadIdx.x;
    const int32_t r = block / across * (ELEMENT_THREADS >> t.lane_bits) + (thread >> t.lane_bits);
    const int32_t c = block % across * lanes + (thread & (lanes - 1));
    if (m.live && r < t.out[0].rows && c < t.out[0].cols)
        element_backward(t, m.step, r, c);
}
