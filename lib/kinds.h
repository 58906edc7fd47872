/* SPDX-License-Identifier: MIT */
/* What there is to compute: every kind of node, one line each. docs/numerics.md says what each is, to the bit. */
#ifndef NNINIT_LIB_KINDS_H
#define NNINIT_LIB_KINDS_H

/* Basic kinds: X(name, inputs, outputs, formula). B rows of the batch; [b,:] one of them.
 * Every executor has all of them. */
#define BASIC_KINDS(X)                                                                                                 \
    X(GATHER_U8, 2, 1, "y[b,:] = (float)data[index[b],:] / divisor")                                                   \
    X(GATHER_F32, 2, 1, "y[b,:] = data[index[b],:]")                                                                   \
    X(GATHER_I32, 2, 1, "y[b] = data[index[b]]")                                                                       \
    X(GEMM_NT, 2, 1, "y[b,o] = sum over i of x[b,i] w[o,i]")                                                           \
    X(BIAS, 2, 1, "y[b,o] = x[b,o] + bias[o]; y may be x")                                                             \
    X(RELU, 1, 1, "y = x < 0 ? 0 : x")                                                                                 \
    X(LEAKY_RELU, 1, 1, "y = x < 0 ? slope x : x")                                                                     \
    X(SIGMOID, 1, 1, "y = 1 / (1 + exp(-x))")                                                                          \
    X(TANH, 1, 1, "y = tanh x")                                                                                        \
    X(RELU_GRADIENT, 2, 1, "dx = y > 0 ? dy : 0, from (y, dy); dx may be dy")                                          \
    X(LEAKY_RELU_GRADIENT, 2, 1, "dx = y > 0 ? dy : slope dy")                                                         \
    X(SIGMOID_GRADIENT, 2, 1, "dx = dy (y (1 - y))")                                                                   \
    X(TANH_GRADIENT, 2, 1, "dx = dy (1 - y y)")                                                                        \
    X(CROSS_ENTROPY, 2, 1, "c[b] = log(sum exp(z[b,:] - m)) - (z[b,label[b]] - m), m = max z[b,:]")                     \
    X(CROSS_ENTROPY_GRADIENT, 2, 1, "dz[b,j] = (softmax(z[b,:])[j] - [j = label[b]]) / B")                             \
    X(SQUARED_ERROR, 2, 1, "c[b,j] = (z[b,j] - t[b,j])^2")                                                             \
    X(SQUARED_ERROR_GRADIENT, 2, 1, "dz[b,j] = 2 (z[b,j] - t[b,j]) / (B outputs)")                                     \
    X(MEAN, 1, 1, "slot = S(x) / count of x; a mean that is not finite ends the run after its step")                   \
    X(GEMM_NN, 2, 1, "dx[b,i] = sum over o of dy[b,o] w[o,i]")                                                         \
    X(GEMM_TN, 2, 1, "dw[o,i] = sum over b of dy[b,o] x[b,i], from (dy, x)")                                           \
    X(COLUMN_SUM, 1, 1, "db[o] = sum over b of dy[b,o]")                                                               \
    X(SGD, 3, 2, "p, m by law_sgd from (g, lr, fresh); no second output: no momentum")                                 \
    X(ADAM, 4, 3, "p, m, v by law_adam from (g, step, root, shrink)")                                                  \
    X(ARGMAX, 1, 1, "y[b] = lowest j with z[b,j] = max z[b,:]")                                                        \
    X(COUNT_EQUAL, 2, 1, "slot = number of b with x[b] = y[b]")                                                        \
    X(PHILOX_UNIFORM, 1, 1, "y = uniforms in [0, 1) of a draw; slot: seed low, high, draw low, high")                  \
    X(PHILOX_NORMAL, 1, 1, "y = N(0, 1) of a draw; slot: as PHILOX_UNIFORM")                                           \
    X(LESS, 2, 1, "y = u < p ? 1 : 0")                                                                                 \
    X(ADD, 2, 1, "y = x + z")                                                                                          \
    X(SCALE, 2, 1, "y = slot x")                                                                                       \
    X(SELECT, 3, 1, "y = mask != 0 ? x : z, from (mask, x, z); y may be z")                                            \
    X(SOFTMAX, 1, 1, "y[b,j] = softmax(x[b,first:])[j - first] for j >= first; y[b,:first] stays")                     \
    X(PICK, 2, 1, "y[b,j] = [j = the first with p[b,first] + ... + p[b,j] > u[b,first]] for j >= first, from (u, p); " \
                  "y[b,:first] stays")                                                                                 \
    X(SOFTPLUS_SUM, 1, 1, "y[b] = S of softplus(x[b,:])")                                                              \
    X(CONTRAST, 3, 2, "p, m by law_contrast from (positive, negative, slot)")                                          \
    X(SPARSITY, 1, 2, "q, pull by law_sparsity, from the column sums of hidden units")                                 \
    X(MAX_NORM, 0, 1, "w[o,:] = w[o,:] limit / |w[o,:]| where its norm is above the limit")

/* Fused kinds: X(name, inputs, outputs, formula). An executor may have them; fuse.c's table defines each by its expansion. */
#define FUSED_KINDS(X)                                                                                                 \
    X(LINEAR, 3, 1, "GEMM_NT, BIAS: from (x, w, bias)")                                                                \
    X(LINEAR_RELU, 3, 1, "GEMM_NT, BIAS, RELU: from (x, w, bias)")                                                     \
    X(GEMM_NN_RELU_GRADIENT, 3, 1, "GEMM_NN, RELU_GRADIENT: from (dy, w, y)")                                          \
    X(GEMM_TN_ADAM, 5, 3, "GEMM_TN, ADAM: from (dy, x, step, root, shrink); the gradient is never stored")              \
    X(GEMM_TN_CONTRAST, 5, 2, "GEMM_TN, GEMM_TN, CONTRAST: from (h, v, h', v', slot); the sums are never stored")          \
    X(COLUMN_SUM_ADAM, 4, 3, "COLUMN_SUM, ADAM: from (dy, step, root, shrink); the gradient is never stored")          \
    X(CROSS_ENTROPY_ALL, 2, 3, "CROSS_ENTROPY, MEAN, CROSS_ENTROPY_GRADIENT: c, slot, dz from (z, label)")

enum kind {
#define X(name, inputs, outputs, formula) KIND_##name,
    BASIC_KINDS(X) BASIC_KIND_COUNT, KIND_BEFORE_FUSED = BASIC_KIND_COUNT - 1, FUSED_KINDS(X)
#undef X
    KIND_COUNT
};

/* The most operands of a node. */
enum { NODE_INPUTS = 5, NODE_OUTPUTS = 3 };

#endif
