/* SPDX-License-Identifier: MIT */
/* Orthogonal and delta-orthogonal weights: what they must satisfy. tests/golden/test_linalg.c compares with PyTorch. */
#include "suite.h"

#include "host/orthogonal.h"

#include <math.h>

static double room[4096];

static void draw(nninit_dtype dtype, void *values, int64_t count) {
    nninit_context *context = suite_context();
    nninit_generator *generator;
    ck_assert_ok(context, nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, 3));
    ck_assert_ok(context, nninit_generator_normal(generator, dtype, values, count, 0, 1));
    nninit_context_destroy(&context);
}

/* How far the shorter of rows and columns are from orthonormal times gain. */
static double departure(const double *w, int64_t rows, int64_t cols, double gain) {
    const int64_t n = rows < cols ? rows : cols, m = rows < cols ? cols : rows;
    const int64_t vector = rows < cols ? cols : 1, element = rows < cols ? 1 : cols;
    double worst = 0;
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < n; k++) {
            double sum = j == k ? -gain * gain : 0;
            for (int64_t i = 0; i < m; i++)
                sum += w[j * vector + i * element] * w[k * vector + i * element];
            worst = fmax(worst, fabs(sum));
        }
    return worst;
}

START_TEST(rows_or_columns) {
    static const int64_t sizes[][2] = {{1, 1}, {6, 6}, {9, 4}, {4, 9}, {1, 17}, {17, 1}};
    static double w[81];
    static float f[81];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int64_t rows = sizes[i][0], cols = sizes[i][1];
        draw(NNINIT_FLOAT64, w, rows * cols);
        room[host_orthogonal_room(rows, cols)] = 42;
        host_orthogonal(NNINIT_FLOAT64, w, rows, cols, 2, room);
        ck_assert_double_eq(room[host_orthogonal_room(rows, cols)], 42);
        ck_assert_double_le(departure(w, rows, cols, 2), 1e-14);
        draw(NNINIT_FLOAT32, f, rows * cols);
        host_orthogonal(NNINIT_FLOAT32, f, rows, cols, 2, room);
        for (int k = 0; k < rows * cols; k++)
            w[k] = f[k];
        ck_assert_double_le(departure(w, rows, cols, 2), 1e-6);
    }
}
END_TEST

/* A positive factor of the normals changes nothing, a negative one the sign: R's diagonal is positive. */
START_TEST(sign_is_that_of_the_normals) {
    static double w[20], other[20];
    draw(NNINIT_FLOAT64, w, 20);
    for (int i = 0; i < 20; i++)
        other[i] = -4 * w[i];
    host_orthogonal(NNINIT_FLOAT64, w, 5, 4, 1, room);
    host_orthogonal(NNINIT_FLOAT64, other, 5, 4, 1, room);
    for (int i = 0; i < 20; i++)
        ck_assert_double_le(fabs(other[i] + w[i]), 1e-15);
}
END_TEST

START_TEST(delta_is_zero_but_at_the_centre) {
    static const struct {
        int64_t shape[5];
        int rank, field, centre;
    } kernels[] = {{{6, 4, 3}, 3, 3, 1}, {{6, 4, 4}, 3, 4, 1}, {{4, 4, 3, 5}, 4, 15, 7}, {{5, 2, 1, 2, 3}, 5, 6, 1},
                   {{5, 2, 3, 3, 3}, 5, 27, 13}, {{5, 3}, 2, 1, 0}};
    static double w[6 * 4 * 27], matrix[24];
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        const int64_t out = kernels[i].shape[0], in = kernels[i].shape[1], field = kernels[i].field;
        draw(NNINIT_FLOAT64, w, out * in);
        memcpy(matrix, w, sizeof matrix);
        host_orthogonal(NNINIT_FLOAT64, matrix, out, in, 0.5, room);
        host_delta_orthogonal(NNINIT_FLOAT64, w, kernels[i].shape, kernels[i].rank, 0.5, room);
        int wrong = 0;
        for (int64_t k = 0; k < out * in * field; k++)
            wrong += w[k] != (k % field == kernels[i].centre ? matrix[k / field] : 0);
        ck_assert_int_eq(wrong, 0);
        ck_assert_double_le(departure(matrix, out, in, 0.5), 1e-15);
    }
}
END_TEST

START_TEST(nothing_and_too_much) {
    float untouched = 5;
    host_orthogonal(NNINIT_FLOAT32, &untouched, 0, 3, 1, room);
    host_orthogonal(NNINIT_FLOAT32, &untouched, 3, 0, 1, room);
    host_delta_orthogonal(NNINIT_FLOAT32, &untouched, (const int64_t[]){1, 1, 0}, 3, 1, room);
    ck_assert_float_eq(untouched, 5);
    ck_assert_int_eq(host_orthogonal_room(3, 4), 19);
    ck_assert_int_eq(host_orthogonal_room(INT64_C(1) << 32, INT64_C(1) << 31), -1);
    ck_assert_int_eq(host_orthogonal_room(INT64_MAX, 1), -1);
}
END_TEST

/* The rules draw the normals of a matrix, [shape[0], the rest] or of the centre, and hand them on. */
START_TEST(rules) {
    static const int64_t shape[] = {4, 3, 2};
    static const struct {
        const char *text;
        bool delta;
    } cases[] = {{"orthogonal:gain=2", false}, {"delta_orthogonal:gain=2", true}};
    nninit_context *context = suite_context();
    for (int i = 0; i < 2; i++) {
        float want[24] = {0}, got[24];
        nninit_initializer *init;
        nninit_generator *generator;
        draw(NNINIT_FLOAT32, want, cases[i].delta ? 12 : 24);
        if (cases[i].delta)
            host_delta_orthogonal(NNINIT_FLOAT32, want, shape, 3, 2, room);
        else
            host_orthogonal(NNINIT_FLOAT32, want, 4, 6, 2, room);
        ck_assert_ok(context, nninit_initializer_parse(&init, context, cases[i].text));
        ck_assert_ok(context, nninit_generator_create(&generator, context, NNINIT_STREAM_TORCH, 3));
        ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, got, shape, 3, generator));
        ck_assert_mem_eq(got, want, sizeof want);
    }
    nninit_context_destroy(&context);
}
END_TEST

SUITE(orthogonal, rules, rows_or_columns, sign_is_that_of_the_normals, delta_is_zero_but_at_the_centre, nothing_and_too_much)
