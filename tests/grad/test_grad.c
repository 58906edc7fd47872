/* SPDX-License-Identifier: MIT */
/* Gradients against central differences of the loss, computed in double beside the library. */
#include "suite.h"

#include <math.h>

enum { ROWS = 5, INPUTS = 4, HIDDEN = 6, OUTPUTS = 3, WEIGHTS = INPUTS * HIDDEN + HIDDEN + HIDDEN * OUTPUTS + OUTPUTS };

static double activate(nninit_activation kind, double x) {
    switch (kind) {
    case NNINIT_SIGMOID: return 1 / (1 + exp(-x));
    case NNINIT_TANH: return tanh(x);
    case NNINIT_RELU: return x < 0 ? 0 : x;
    case NNINIT_LEAKY_RELU: return x < 0 ? (double)0.01f * x : x;
    default: return x;
    }
}

static double loss_of(const double *p, nninit_activation kind, nninit_loss loss, const float *x, const int64_t *labels,
                      const float *targets) {
    const double *w1 = p, *b1 = w1 + INPUTS * HIDDEN, *w2 = b1 + HIDDEN, *b2 = w2 + HIDDEN * OUTPUTS;
    double total = 0;
    for (int r = 0; r < ROWS; r++) {
        double h[HIDDEN], z[OUTPUTS], sum = 0;
        for (int o = 0; o < HIDDEN; o++) {
            h[o] = b1[o];
            for (int i = 0; i < INPUTS; i++)
                h[o] += w1[o * INPUTS + i] * (double)x[r * INPUTS + i];
            h[o] = activate(kind, h[o]);
        }
        for (int o = 0; o < OUTPUTS; o++) {
            z[o] = b2[o];
            for (int i = 0; i < HIDDEN; i++)
                z[o] += w2[o * HIDDEN + i] * h[i];
            sum += exp(z[o]);
        }
        if (loss == NNINIT_CROSS_ENTROPY)
            total += (log(sum) - z[labels[r]]) / ROWS;
        else
            for (int o = 0; o < OUTPUTS; o++)
                total += pow(z[o] - (double)targets[r * OUTPUTS + o], 2) / (ROWS * OUTPUTS);
    }
    return total;
}

static void check(const char *backend, nninit_activation kind, nninit_loss loss) {
    nninit_context *c = suite_open(backend, 2);
    nninit_generator *g;
    nninit_layer *model;
    float x[ROWS * INPUTS], targets[ROWS * OUTPUTS], cost, got[WEIGHTS], start[WEIGHTS];
    const int64_t labels[ROWS] = {0, 2, 1, 1, 0}, widths[] = {INPUTS, HIDDEN, OUTPUTS};
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 3));
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, x, ROWS * INPUTS, 0, 1));
    ck_assert_ok(c, nninit_generator_normal(g, NNINIT_FLOAT32, targets, ROWS * OUTPUTS, 0, 1));
    ck_assert_ok(c, nninit_mlp_create(&model, c, widths, 3, kind, g));
    const void *target = loss == NNINIT_CROSS_ENTROPY ? (const void *)labels : targets;
    ck_assert_ok(c, nninit_gradient(model, loss, x, target, ROWS, &cost));
    int at = 0;
    for (int i = 0; i < 4; i++) {
        nninit_tensor *p = nninit_layer_parameter(model, i), *d;
        ck_assert_ok(c, nninit_layer_gradient(model, i, &d));
        ck_assert_ok(c, nninit_tensor_read(p, start + at, nninit_tensor_numel(p)));
        ck_assert_ok(c, nninit_tensor_read(d, got + at, nninit_tensor_numel(d)));
        at += (int)nninit_tensor_numel(p);
    }
    ck_assert_int_eq(at, WEIGHTS);
    double p[WEIGHTS], largest = 0;
    for (int i = 0; i < WEIGHTS; i++)
        p[i] = (double)start[i];
    ck_assert_double_eq_tol(loss_of(p, kind, loss, x, labels, targets), (double)cost, 1e-6);
    for (int i = 0; i < WEIGHTS; i++)
        largest = fmax(largest, fabs((double)got[i]));
    for (int i = 0; i < WEIGHTS; i++) {
        const double step = 1e-6;
        p[i] = (double)start[i] + step;
        double up = loss_of(p, kind, loss, x, labels, targets);
        p[i] = (double)start[i] - step;
        double down = loss_of(p, kind, loss, x, labels, targets);
        p[i] = (double)start[i];
        ck_assert_double_eq_tol((up - down) / (2 * step), (double)got[i], 2e-6 * largest);
    }
    nninit_context_destroy(&c);
}

static const nninit_activation kinds[] = {NNINIT_IDENTITY, NNINIT_SIGMOID, NNINIT_TANH, NNINIT_RELU, NNINIT_LEAKY_RELU};

START_TEST(cross_entropy) {
    for (int k = 0; k < 5; k++) {
        check("ref", kinds[k], NNINIT_CROSS_ENTROPY);
        check(suite_fast(), kinds[k], NNINIT_CROSS_ENTROPY);
    }
}
END_TEST

START_TEST(mean_squared_error) {
    for (int k = 0; k < 5; k++) {
        check("ref", kinds[k], NNINIT_MEAN_SQUARED_ERROR);
        check(suite_fast(), kinds[k], NNINIT_MEAN_SQUARED_ERROR);
    }
}
END_TEST

SUITE(grad, cross_entropy, mean_squared_error)
