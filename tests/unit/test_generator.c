/* SPDX-License-Identifier: MIT */
/* States, bounds and bad input; the numbers themselves are in tests/golden. */
#include "suite.h"

#include <math.h>

START_TEST(first_words) {
    static const unsigned words[] = {0x2714f867, 0xa57dbb2f, 0x4d673e3b, 0x3362cba6};
    nninit_context *c = suite_context();
    nninit_generator *g;
    int64_t x[4];
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 777));
    ck_assert_ok(c, nninit_generator_randint(g, x, 4, 0, UINT32_MAX));
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq((unsigned)x[i], words[i]);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(restored_streams_go_on) {
    nninit_context *c = suite_context();
    nninit_generator *a, *b;
    unsigned char state[NNINIT_TORCH_STATE_SIZE];
    float x[21], y[21];
    ck_assert_ok(c, nninit_generator_create(&a, c, NNINIT_STREAM_TORCH, 5));
    ck_assert_ok(c, nninit_generator_create(&b, c, NNINIT_STREAM_TORCH, 6));
    for (int n = 0; n < 700; n += 7) {
        ck_assert_ok(c, nninit_generator_normal(a, NNINIT_FLOAT32, x, n % 3, 0, 1)); /* sometimes with a cached half */
        ck_assert_ok(c, nninit_generator_save(a, state, sizeof state));
        ck_assert_ok(c, nninit_generator_restore(b, state, sizeof state));
        ck_assert_ok(c, nninit_generator_normal(a, NNINIT_FLOAT32, x, 5, 0, 1));
        ck_assert_ok(c, nninit_generator_uniform(a, NNINIT_FLOAT32, x + 5, 16, 0, 1));
        ck_assert_ok(c, nninit_generator_normal(b, NNINIT_FLOAT32, y, 5, 0, 1));
        ck_assert_ok(c, nninit_generator_uniform(b, NNINIT_FLOAT32, y + 5, 16, 0, 1));
        ck_assert_mem_eq(x, y, sizeof x);
    }
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(refuses_what_is_no_state) {
    static const struct {
        int at;
        unsigned char value;
    } faults[] = {{12, 0}, {8, 0}, {9, 0xff}, {17, 0x10}, {30, 1}};
    nninit_context *c = suite_context();
    nninit_generator *g;
    unsigned char state[NNINIT_TORCH_STATE_SIZE], bad[NNINIT_TORCH_STATE_SIZE];
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 5));
    ck_assert_ok(c, nninit_generator_save(g, state, sizeof state));
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        memcpy(bad, state, sizeof bad);
        bad[faults[i].at] = faults[i].value;
        ck_assert_int_eq(nninit_generator_restore(g, bad, sizeof bad), NNINIT_ERR_FORMAT);
    }
    ck_assert_int_eq(nninit_generator_restore(g, state, 5055), NNINIT_ERR_INVALID);
    ck_assert_ok(c, nninit_generator_save(g, bad, sizeof bad));
    ck_assert_mem_eq(state, bad, sizeof bad);
    nninit_context_destroy(&c);
}
END_TEST

START_TEST(refuses_bad_arguments) {
    nninit_context *c = suite_context();
    nninit_generator *g;
    float x[4], p[4] = {0, 0.5f, 1, 1.5f};
    int64_t n[4];
    ck_assert_int_eq(nninit_generator_create(&g, c, (nninit_stream)9, 5), NNINIT_ERR_INVALID);
    ck_assert_ptr_null(g);
    ck_assert_ok(c, nninit_generator_create(&g, c, NNINIT_STREAM_TORCH, 5));
    ck_assert_int_eq(nninit_generator_uniform(g, NNINIT_FLOAT32, x, 4, 1, 0), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_uniform(g, NNINIT_FLOAT32, x, 4, 0, 1e39), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_uniform(g, NNINIT_FLOAT32, x, -1, 0, 1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_normal(g, NNINIT_FLOAT32, x, 4, 0, -1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_normal(g, NNINIT_FLOAT32, x, 4, NAN, 1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_normal(g, NNINIT_UINT8, x, 4, 0, 1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_randint(g, n, 4, 3, 3), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_randint(g, n, 4, INT64_MIN, INT64_MAX), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_bernoulli(g, NNINIT_FLOAT32, x, 4, 1.5), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_bernoulli_each(g, NNINIT_FLOAT32, x, p, 4), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_randperm(g, n, -1), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_generator_seed(NULL, 1), NNINIT_ERR_INVALID);
    nninit_context_destroy(&c);
}
END_TEST

SUITE(generator, first_words, restored_streams_go_on, refuses_what_is_no_state, refuses_bad_arguments)
