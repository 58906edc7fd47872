/* SPDX-License-Identifier: MIT */
/* cuRAND's stream: what is made from its words, the ends of uniforms, calls that join, states. tests/golden has cuRAND's own. */
#include "suite.h"

#include "curand.h"
#include "generator.h"

#include <math.h>

enum { ROUND = 1 << 18 };

static nninit_context *context;

static nninit_generator *make(uint64_t seed) {
    nninit_generator *generator;
    ck_assert_ok(context, nninit_generator_create(&generator, context, NNINIT_STREAM_CURAND, seed));
    return generator;
}

static void go_to(nninit_generator *g, uint64_t next, bool doubles) {
    g->curand.next = next;
    g->curand.doubles = doubles;
}

static uint64_t word64(uint64_t seed, uint64_t e) {
    return (uint64_t)curand_word(seed, e) << 32 | curand_word(seed, e + 1);
}

/* Each draw goes on where the one before it ended, from a word on that is no multiple of anything. */
START_TEST(draws_of_words) {
    enum { N = 100 };
    const uint64_t seed = UINT64_C(777) << 32 | 5, at = 3 * UINT64_C(0x123456789ab);
    float p[N], each[N], unit[N];
    double ones[N], each64[N], p64[N], unit64[N];
    int64_t random[N], narrow[N], all[N], wide[N], order[N], permuted[N];
    int wrong = 0;
    context = suite_context();
    nninit_generator *g = make(seed);
    go_to(g, at, false);
    for (int i = 0; i < N; i++) {
        p[i] = (float)i / N;
        p64[i] = (double)i / N;
        permuted[i] = i;
    }
    ck_assert_ok(context, nninit_generator_randint(g, narrow, N, -5, 1000));
    ck_assert_ok(context, nninit_generator_randint(g, all, N, 0, INT64_C(1) << 32));
    ck_assert_ok(context, nninit_generator_randint(g, wide, N, 7, (INT64_C(1) << 32) + 8));
    ck_assert_ok(context, nninit_generator_random(g, random, N));
    ck_assert_ok(context, nninit_generator_bernoulli(g, NNINIT_FLOAT64, ones, N, 0.25));
    ck_assert_ok(context, nninit_generator_bernoulli_each(g, NNINIT_FLOAT32, each, p, N));
    ck_assert_ok(context, nninit_generator_bernoulli_each(g, NNINIT_FLOAT64, each64, p64, N));
    generator_unit(g, NNINIT_FLOAT32, unit, N);
    generator_unit(g, NNINIT_FLOAT64, unit64, N);
    ck_assert_ok(context, nninit_generator_randperm(g, order, N));
    for (uint64_t i = 0; i < N; i++) {
        wrong += narrow[i] != -5 + (int64_t)(curand_word(seed, at + i) % 1005);
        wrong += all[i] != curand_word(seed, at + N + i);
        wrong += wide[i] != 7 + (int64_t)(word64(seed, at + 2 * N + 2 * i) % ((UINT64_C(1) << 32) + 1));
        wrong += random[i] != (int64_t)(word64(seed, at + 4 * N + 2 * i) >> 1);
        wrong += ones[i] != ((double)(word64(seed, at + 6 * N + 2 * i) >> 11) * 0x1p-53 < 0.25);
        wrong += each[i] != ((float)(curand_word(seed, at + 8 * N + i) >> 8) * 0x1p-24f < p[i]);
        wrong += each64[i] != ((double)(word64(seed, at + 9 * N + 2 * i) >> 11) * 0x1p-53 < p64[i]);
        wrong += unit[i] != (float)(curand_word(seed, at + 11 * N + i) >> 8) * 0x1p-24f;
        wrong += unit64[i] != (double)(word64(seed, at + 12 * N + 2 * i) >> 11) * 0x1p-53;
        const uint64_t other = i + (i + 1 < N ? curand_word(seed, at + 14 * N + i) % (N - i) : 0);
        const int64_t kept = permuted[i];
        permuted[i] = permuted[other];
        permuted[other] = kept;
    }
    for (int i = 0; i < N; i++)
        wrong += order[i] != permuted[i];
    ck_assert_int_eq(wrong, 0);
    ck_assert_uint_eq(g->curand.next, at + 15 * N - 1);
    nninit_context_destroy(&context);
}
END_TEST

/* Word 19,569,286 of the seed 777 is ffffffa8: a uniform of 1, and less than 1 where that is wanted. */
START_TEST(uniforms_end_at_one) {
    enum { E = 19569286 };
    float x, p = 1;
    double least = 2;
    static double y[100000];
    context = suite_context();
    nninit_generator *g = make(777);
    ck_assert_uint_eq(curand_word(777, E), 0xffffffa8);
    go_to(g, E, false);
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT32, &x, 1, 0, 1));
    ck_assert(x == 1);
    go_to(g, E, false);
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT32, &x, 1, -2, 5));
    ck_assert(x == 5);
    go_to(g, E, false);
    generator_unit(g, NNINIT_FLOAT32, &x, 1);
    ck_assert(x == 1 - 0x1p-24f);
    go_to(g, E, false);
    ck_assert_ok(context, nninit_generator_bernoulli_each(g, NNINIT_FLOAT32, &x, &p, 1));
    ck_assert(x == 1);
    ck_assert_ok(context, nninit_generator_uniform(g, NNINIT_FLOAT64, y, 100000, 0, 1));
    for (int i = 0; i < 100000; i++)
        least = fmin(least, y[i]);
    ck_assert(least > 0);
    nninit_context_destroy(&context);
}
END_TEST

static void draw(nninit_generator *g, int kind, void *x, int64_t count) {
    const nninit_dtype dtype = kind / 2 ? NNINIT_FLOAT64 : NNINIT_FLOAT32;
    ck_assert_ok(context, kind % 2 ? nninit_generator_normal(g, dtype, x, count, 0.5, 3)
                                   : nninit_generator_uniform(g, dtype, x, count, -1, 2));
}

/* Numbers and state are the same in one call and in many, also over the ends of rounds of doubles and of single ones. */
START_TEST(calls_join) {
    enum { COUNT = ROUND + 1000 };
    static double one[COUNT], many[COUNT];
    context = suite_context();
    nninit_generator *a = make(5), *b = make(5);
    for (int kind = 0; kind < 4; kind++)
        for (int doubles = 0; doubles < 2; doubles++) {
            const size_t size = kind / 2 ? sizeof(double) : sizeof(float);
            go_to(a, 7 * ROUND - 501, doubles);
            go_to(b, 7 * ROUND - 501, doubles);
            draw(a, kind, one, COUNT);
            for (int64_t at = 0, n = 1; at < COUNT; at += n, n = n * 3 % 4001) {
                n = n < COUNT - at ? n : COUNT - at;
                draw(b, kind, (char *)many + (size_t)at * size, n);
            }
            ck_assert_int_eq(memcmp(one, many, COUNT * size), 0);
            ck_assert_uint_eq(a->curand.next, b->curand.next);
            ck_assert_int_eq(a->curand.doubles, b->curand.doubles);
        }
    nninit_context_destroy(&context);
}
END_TEST

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Over the ends of rounds, too: else two of these would be equal. */
START_TEST(doubles_use_words_once) {
    enum { COUNT = 3 * ROUND };
    static double x[COUNT];
    int equal = 0;
    context = suite_context();
    nninit_generator *g = make(5);
    for (int at = 0; at < COUNT; at += ROUND / 2)
        draw(g, 2, x + at, ROUND / 2);
    qsort(x, COUNT, sizeof *x, ascending);
    for (int i = 1; i < COUNT; i++)
        equal += x[i] == x[i - 1];
    ck_assert_int_eq(equal, 0);
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(states) {
    unsigned char state[NNINIT_CURAND_STATE_SIZE], after[NNINIT_CURAND_STATE_SIZE];
    static float x[ROUND], y[ROUND];
    double d[5];
    context = suite_context();
    nninit_generator *a = make(UINT64_C(0xfedcba9876543210)), *b = make(2);
    ck_assert_uint_eq(nninit_generator_state_size(a), sizeof state);
    draw(a, 2, d, 5);
    ck_assert_ok(context, nninit_generator_save(a, state, sizeof state));
    static const unsigned char known[] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, 5, 0, 0, 0, 0, 0, 0, 0, 1};
    ck_assert_mem_eq(state, known, sizeof known);
    ck_assert_ok(context, nninit_generator_restore(b, state, sizeof state));
    draw(a, 0, x, ROUND);
    draw(b, 0, y, ROUND);
    ck_assert_int_eq(memcmp(x, y, sizeof x), 0);
    ck_assert_ok(context, nninit_generator_save(a, state, sizeof state));
    memcpy(after, state, sizeof after);
    after[23] = 1;
    ck_assert_int_eq(nninit_generator_restore(a, after, sizeof after), NNINIT_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(nninit_context_message(context), "state"));
    ck_assert_int_eq(nninit_generator_restore(a, state, sizeof state - 1), NNINIT_ERR_INVALID);
    ck_assert_ok(context, nninit_generator_save(a, after, sizeof after));
    ck_assert_mem_eq(state, after, sizeof state);
    nninit_generator_seed(a, 2);
    nninit_generator_seed(b, 2 + (UINT64_C(1) << 32));
    draw(a, 0, x, 10);
    draw(b, 0, y, 10);
    ck_assert_mem_ne(x, y, 10 * sizeof *x);
    nninit_context_destroy(&context);
}
END_TEST

SUITE(curand, draws_of_words, uniforms_end_at_one, calls_join, doubles_use_words_once, states)
