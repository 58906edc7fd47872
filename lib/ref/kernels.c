/* SPDX-License-Identifier: MIT */
/* The numeric law as plain loops: every other executor must give these bits. Everything is row-major without padding. */
#include "ref.h"

#include "../host/fill.h"

#define F(operand) ((float *)(operand).data)
#define I(operand) ((int32_t *)(operand).data)

static void gather_u8(const struct task *t, int64_t step) {
    const int32_t *index = operand_slot(&t->in[1], step);
    int64_t n = t->out[0].cols;
    for (int64_t b = 0; b < t->out[0].rows; b++)
        for (int64_t j = 0; j < n; j++)
            F(t->out[0])[b * n + j] = (float)((const uint8_t *)t->in[0].data)[index[b] * n + j] / t->node.arg.number;
}

/* Floats and labels alike: four bytes an element. */
static void gather_32(const struct task *t, int64_t step) {
    const int32_t *index = operand_slot(&t->in[1], step);
    int64_t n = t->out[0].cols;
    for (int64_t b = 0; b < t->out[0].rows; b++)
        for (int64_t j = 0; j < n; j++)
            I(t->out[0])[b * n + j] = I(t->in[0])[index[b] * n + j];
}

/* One output of a product: an ascending chain of fmaf from +0; + 0.0f makes an underflown -0 what skipping zeros gives. */
static float chain(const float *a, int64_t a_stride, const float *b, int64_t b_stride, int64_t n) {
    float sum = 0.0f;
    for (int64_t k = 0; k < n; k++)
        sum = fmaf(a[k * a_stride], b[k * b_stride], sum);
    return sum + 0.0f;
}

static void gemm_nt(const struct task *t, int64_t step) {
    (void)step;
    int64_t inputs = t->in[1].cols, outputs = t->in[1].rows;
    for (int64_t b = 0; b < t->out[0].rows; b++)
        for (int64_t o = 0; o < outputs; o++)
            F(t->out[0])[b * outputs + o] = chain(F(t->in[0]) + b * inputs, 1, F(t->in[1]) + o * inputs, 1, inputs);
}

static void gemm_nn(const struct task *t, int64_t step) {
    (void)step;
    int64_t inputs = t->in[1].cols, outputs = t->in[1].rows;
    for (int64_t b = 0; b < t->out[0].rows; b++)
        for (int64_t i = 0; i < inputs; i++)
            F(t->out[0])[b * inputs + i] = chain(F(t->in[0]) + b * outputs, 1, F(t->in[1]) + i, inputs, outputs);
}

static void gemm_tn(const struct task *t, int64_t step) {
    (void)step;
    int64_t inputs = t->out[0].cols, outputs = t->out[0].rows, rows = t->in[0].rows;
    for (int64_t o = 0; o < outputs; o++)
        for (int64_t i = 0; i < inputs; i++)
            F(t->out[0])[o * inputs + i] = chain(F(t->in[0]) + o, outputs, F(t->in[1]) + i, inputs, rows);
}

static void bias(const struct task *t, int64_t step) {
    (void)step;
    int64_t n = t->out[0].cols;
    for (int64_t b = 0; b < t->out[0].rows; b++)
        for (int64_t o = 0; o < n; o++)
            F(t->out[0])[b * n + o] = F(t->in[0])[b * n + o] + F(t->in[1])[o];
}

static void column_sum(const struct task *t, int64_t step) {
    (void)step;
    int64_t n = t->in[0].cols;
    for (int64_t o = 0; o < n; o++) {
        float sum = 0.0f;
        for (int64_t b = 0; b < t->in[0].rows; b++)
            sum += F(t->in[0])[b * n + o];
        F(t->out[0])[o] = sum;
    }
}

#define ELEMENTWISE(name, expression)                                                                                  \
    static void name(const struct task *t, int64_t step) {                                                             \
        (void)step;                                                                                                    \
        const float slope = t->node.arg.number;                                                                        \
        (void)slope;                                                                                                   \
        for (int64_t i = 0; i < t->out[0].rows * t->out[0].cols; i++) {                                                \
            const float x = F(t->in[0])[i];                                                                            \
            F(t->out[0])[i] = expression;                                                                              \
        }                                                                                                              \
    }

#define DY F(t->in[1])[i]
ELEMENTWISE(relu, law_relu(x))
ELEMENTWISE(leaky_relu, law_leaky_relu(x, slope))
ELEMENTWISE(sigmoid, law_sigmoid(x))
ELEMENTWISE(tanh_, law_tanh(x))
ELEMENTWISE(relu_gradient, x > 0.0f ? DY : 0.0f)
ELEMENTWISE(leaky_relu_gradient, x > 0.0f ? DY : slope * DY)
ELEMENTWISE(sigmoid_gradient, DY * (x * (1.0f - x)))
ELEMENTWISE(tanh_gradient, DY * (1.0f - x * x))
ELEMENTWISE(less, x < DY ? 1.0f : 0.0f)
ELEMENTWISE(squared_error, (x - DY) * (x - DY))
ELEMENTWISE(squared_error_gradient, 2.0f * (x - DY) / (float)(t->out[0].rows * t->out[0].cols))

ELEMENTWISE(add, x + DY)
ELEMENTWISE(select_, x != 0.0f ? DY : F(t->in[2])[i])

static void scale(const struct task *t, int64_t step) {
    const float factor = *(float *)operand_slot(&t->in[1], step);
    for (int64_t i = 0; i < t->out[0].rows * t->out[0].cols; i++)
        F(t->out[0])[i] = factor * F(t->in[0])[i];
}

static void softmax(const struct task *t, int64_t step) {
    (void)step;
    const int64_t n = t->in[0].cols, first = t->node.arg.first;
    for (int64_t b = 0; b < t->in[0].rows; b++)
        law_softmax(F(t->in[0]) + b * n + first, n - first, F(t->out[0]) + b * n + first);
}

static void pick(const struct task *t, int64_t step) {
    (void)step;
    const int64_t n = t->in[0].cols, first = t->node.arg.first;
    for (int64_t at = first; at < t->in[0].rows * n; at += n)
        law_pick(F(t->in[0])[at], F(t->in[1]) + at, n - first, F(t->out[0]) + at);
}

static void softplus_sum(const struct task *t, int64_t step) {
    (void)step;
    const int64_t n = t->in[0].cols;
    for (int64_t b = 0; b < t->in[0].rows; b++) {
        float s[16] = {0};
        for (int64_t j = 0; j < n; j++)
            s[j % 16] += law_softplus(F(t->in[0])[b * n + j]);
        F(t->out[0])[b] = law_fold(s);
    }
}

static void cross_entropy(const struct task *t, int64_t step) {
    (void)step;
    int64_t n = t->in[0].cols;
    for (int64_t b = 0; b < t->in[0].rows; b++)
        F(t->out[0])[b] = law_cross_entropy(F(t->in[0]) + b * n, n, I(t->in[1])[b]);
}

static void cross_entropy_gradient(const struct task *t, int64_t step) {
    (void)step;
    int64_t n = t->in[0].cols;
    for (int64_t b = 0; b < t->in[0].rows; b++)
        law_cross_entropy_gradient(F(t->in[0]) + b * n, n, I(t->in[1])[b], (float)t->in[0].rows, F(t->out[0]) + b * n);
}

static void mean(const struct task *t, int64_t step) {
    int64_t n = t->in[0].rows * t->in[0].cols;
    *(float *)operand_slot(&t->out[0], step) = law_sum(F(t->in[0]), n) / (float)n;
}

static void sgd(const struct task *t, int64_t step) {
    float lr = *(float *)operand_slot(&t->in[1], step), fresh = *(float *)operand_slot(&t->in[2], step);
    for (int64_t i = 0; i < t->out[0].rows * t->out[0].cols; i++)
        law_sgd(&t->node.arg.sgd, lr, fresh, F(t->in[0])[i], F(t->out[0]) + i, t->out[1].data ? F(t->out[1]) + i : NULL);
}

static void adam(const struct task *t, int64_t step) {
    float size = *(float *)operand_slot(&t->in[1], step), root = *(float *)operand_slot(&t->in[2], step),
          shrink = *(float *)operand_slot(&t->in[3], step);
    for (int64_t i = 0; i < t->out[0].rows * t->out[0].cols; i++)
        law_adam(&t->node.arg.adam, size, root, shrink, F(t->in[0])[i], F(t->out[0]) + i, F(t->out[1]) + i,
                 F(t->out[2]) + i);
}

static void contrast(const struct task *t, int64_t step) {
    struct law_contrast rates;
    memcpy(&rates, operand_slot(&t->in[2], step), sizeof rates);
    for (int64_t i = 0; i < t->out[0].rows * t->out[0].cols; i++)
        law_contrast(&rates, F(t->in[0])[i], F(t->in[1])[i], F(t->out[0]) + i, F(t->out[1]) + i);
}

static void sparsity(const struct task *t, int64_t step) {
    (void)step;
    for (int64_t o = 0; o < t->out[0].rows; o++)
        law_sparsity(&t->node.arg.sparsity, F(t->in[0])[o], F(t->out[0]) + o, F(t->out[1]) + o);
}

static void max_norm(const struct task *t, int64_t step) {
    (void)step;
    const int64_t inputs = t->out[0].cols;
    for (int64_t o = 0; o < t->out[0].rows; o++) {
        float *w = F(t->out[0]) + o * inputs, s[16] = {0};
        for (int64_t i = 0; i < inputs; i++)
            s[i % 16] += w[i] * w[i];
        const float factor = law_max_norm(law_fold(s), t->node.arg.number);
        for (int64_t i = 0; i < inputs; i++)
            w[i] *= factor;
    }
}

static void argmax(const struct task *t, int64_t step) {
    (void)step;
    int64_t n = t->in[0].cols;
    for (int64_t b = 0; b < t->in[0].rows; b++)
        I(t->out[0])[b] = law_argmax(F(t->in[0]) + b * n, n);
}

static void count_equal(const struct task *t, int64_t step) {
    int32_t count = 0;
    for (int64_t b = 0; b < t->in[0].rows; b++)
        count += I(t->in[0])[b] == I(t->in[1])[b];
    *(int32_t *)operand_slot(&t->out[0], step) = count;
}

static void philox_uniform(const struct task *t, int64_t step) {
    uint64_t seed, draw;
    operand_draw(&t->in[0], step, &seed, &draw);
    fill_c.philox_uniform(seed, draw, 0, F(t->out[0]), t->out[0].rows * t->out[0].cols, 0, 1);
}

static void philox_normal(const struct task *t, int64_t step) {
    uint64_t seed, draw;
    operand_draw(&t->in[0], step, &seed, &draw);
    fill_c.philox_normal(seed, draw, 0, F(t->out[0]), t->out[0].rows * t->out[0].cols, 0, 1);
}

const ref_kernel ref_kernels[BASIC_KIND_COUNT] = {
    [KIND_GATHER_U8] = gather_u8,
    [KIND_GATHER_F32] = gather_32,
    [KIND_GATHER_I32] = gather_32,
    [KIND_GEMM_NT] = gemm_nt,
    [KIND_BIAS] = bias,
    [KIND_RELU] = relu,
    [KIND_LEAKY_RELU] = leaky_relu,
    [KIND_SIGMOID] = sigmoid,
    [KIND_TANH] = tanh_,
    [KIND_RELU_GRADIENT] = relu_gradient,
    [KIND_LEAKY_RELU_GRADIENT] = leaky_relu_gradient,
    [KIND_SIGMOID_GRADIENT] = sigmoid_gradient,
    [KIND_TANH_GRADIENT] = tanh_gradient,
    [KIND_CROSS_ENTROPY] = cross_entropy,
    [KIND_CROSS_ENTROPY_GRADIENT] = cross_entropy_gradient,
    [KIND_SQUARED_ERROR] = squared_error,
    [KIND_SQUARED_ERROR_GRADIENT] = squared_error_gradient,
    [KIND_MEAN] = mean,
    [KIND_GEMM_NN] = gemm_nn,
    [KIND_GEMM_TN] = gemm_tn,
    [KIND_COLUMN_SUM] = column_sum,
    [KIND_SGD] = sgd,
    [KIND_ADAM] = adam,
    [KIND_ARGMAX] = argmax,
    [KIND_COUNT_EQUAL] = count_equal,
    [KIND_PHILOX_UNIFORM] = philox_uniform,
    [KIND_PHILOX_NORMAL] = philox_normal,
    [KIND_LESS] = less,
    [KIND_ADD] = add,
    [KIND_SCALE] = scale,
    [KIND_SELECT] = select_,
    [KIND_SOFTMAX] = softmax,
    [KIND_PICK] = pick,
    [KIND_SOFTPLUS_SUM] = softplus_sum,
    [KIND_CONTRAST] = contrast,
    [KIND_SPARSITY] = sparsity,
    [KIND_MAX_NORM] = max_norm,
};
