/* SPDX-License-Identifier: MIT */
/* The self-test and each rule: right draws pass, what it expects equals closed forms, and structured weights that are not
 * what they should be are seen. */
#include "suite.h"

#include <math.h>

static nninit_context *context;
static nninit_generator *generator;

static void begin(nninit_stream stream) {
    context = suite_context();
    ck_assert_ok(context, nninit_generator_create(&generator, context, stream, 777));
}

static nninit_initializer *parse(const char *text) {
    nninit_initializer *init;
    ck_assert_ok(context, nninit_initializer_parse(&init, context, text));
    return init;
}

struct shape {
    int rank;
    int64_t sizes[5];
};

/* 1 and a line where a right draw does not pass. */
static int draw_and_check(const char *rule, nninit_dtype dtype, const struct shape *s, void *w) {
    nninit_selftest result = {.size = sizeof result};
    nninit_initializer *init = parse(rule);
    nninit_status status = nninit_initializer_fill(init, dtype, w, s->sizes, s->rank, generator);
    if (status == NNINIT_OK)
        status = nninit_selftest_values(init, dtype, w, s->sizes, s->rank, &result);
    bool wrong = status < 0 || result.failed || strncmp(result.text, "passed: ", 8) != 0;
    if (wrong)
        printf("%s %s\n", rule, status < 0 ? nninit_context_message(context) : result.text);
    nninit_initializer_destroy(&init);
    return wrong;
}

static const char *const matrices[] = {
    "zeros", "ones", "constant:value=0.1", "uniform:low=-0.3,high=1.7", "uniform:low=2,high=2", "uniform:low=100,high=101",
    "uniform:low=1e-42,high=3e-42", "normal:mean=0.5,std=2", "normal:mean=3,std=0", "normal:mean=1e6,std=1",
    "normal:mean=1,std=1e-9", "xavier_uniform:gain=1.5", "xavier_normal", "kaiming_uniform:mode=fan_out",
    "kaiming_normal:nonlinearity=relu", "torch_linear_weight", "torch_linear_bias:fan_in=7", "identity:gain=0.1",
    "orthogonal", "orthogonal:gain=-1.4142135623730951", "orthogonal:gain=0", "orthogonal:gain=1e-40",
    "trunc_normal:std=0.5", "truncated_normal:low=30,high=40", "truncated_normal:low=-40,high=-29.5,std=0.5",
    "truncated_normal:std=1e4", "truncated_normal:low=0,high=9,result_std=0.1", "sparse:sparsity=0.3", "sparse:std=1e-43",
    "sparse:std=0", "sparse:sparsity=1", "variance_scaling:distribution=uniform",
    "variance_scaling:mode=fan_avg,distribution=untruncated_normal", "glorot_uniform", "glorot_normal", "he_uniform",
    "he_normal", "lecun_uniform", "lecun_normal", "hadamard", "nguyen_widrow"};
static const char *const filters[] = {"dirac", "dirac:groups=2", "delta_orthogonal:gain=3", "orthogonal", "kaiming_uniform",
                                      "glorot_normal"};

/* With many seeds, at the shapes of the faults (test_selftest.c). */
START_TEST(right_draws_pass) {
    static const struct shape shapes[] = {{2, {8, 16}}, {2, {16, 8}},  {2, {16, 16}}, {2, {64, 48}}, {2, {4, 8}}, {2, {2, 4}},
                                          {2, {32, 32}}, {2, {40, 32}}, {2, {5, 4}},  {2, {2, 128}}, {2, {64, 64}}};
    static const struct shape kernels[] = {{3, {8, 4, 3}}, {4, {16, 8, 3, 2}}, {5, {6, 3, 1, 2, 4}}};
    static float w[64 * 64];
    int wrong = 0;
    begin(NNINIT_STREAM_TORCH);
    for (uint64_t seed = 0; seed < 20; seed++) {
        nninit_generator_seed(generator, seed);
        for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
            for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
                wrong += draw_and_check(matrices[i], NNINIT_FLOAT32, &shapes[j], w);
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
            for (size_t j = 0; j < sizeof kernels / sizeof *kernels; j++)
                wrong += draw_and_check(filters[i], NNINIT_FLOAT32, &kernels[j], w);
    }
    nninit_context_destroy(&context);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* All streams and types, from one value on; many columns, of which the mean and the bounds are far apart. */
START_TEST(right_draws_pass_at_odd_shapes) {
    static const struct shape shapes[] = {{2, {1, 1}},   {2, {1, 2}},   {2, {7, 1}},     {2, {1, 8}},
                                          {2, {3, 5}}, {2, {13, 17}}, {2, {128, 128}}, {2, {300, 200}}};
    static const struct shape wide = {2, {1, 1000000}};
    static double w[1000000];
    int wrong = 0;
    for (int stream = NNINIT_STREAM_TORCH; stream <= NNINIT_STREAM_CURAND; stream++) {
        begin((nninit_stream)stream);
        for (nninit_dtype dtype = NNINIT_FLOAT32; dtype <= NNINIT_FLOAT64; dtype++) {
            for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
                for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
                    wrong += draw_and_check(matrices[i], dtype, &shapes[j], w);
            wrong += draw_and_check("identity:gain=0.1", dtype, &wide, w);
            wrong += draw_and_check("sparse", dtype, &wide, w);
        }
        nninit_context_destroy(&context);
    }
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* What is expected of [24, 6, 3, 5], by the papers' formulas: fan_in 6 * 15, fan_out 24 * 15. */
START_TEST(expectations_in_closed_form) {
    static const int64_t shape[] = {24, 6, 3, 5};
    static float w[24 * 6 * 3 * 5];
    const double in = 90, out = 360, cut = 0.87962566103423978;
    /* 1 - 4 phi(2) / (2 Phi(2) - 1): the variance of a standard normal cut at 2. */
    const double cut_variance = 1 - 4 * exp(-2) / sqrt(2 * 3.14159265358979323846) / erf(sqrt(2.0));
    const struct {
        const char *rule;
        double variance, bound; /* 0: none */
    } expected[] = {
        {"uniform:low=-2,high=2", 4.0 / 3, 2},
        {"normal:std=3", 9, 0},
        {"xavier_uniform:gain=2", 8 / (in + out), 2 * sqrt(6 / (in + out))},
        {"xavier_normal", 2 / (in + out), 0},
        {"kaiming_uniform:nonlinearity=relu", 2 / in, sqrt(6 / in)},
        {"kaiming_normal:mode=fan_out,nonlinearity=tanh", 25 / 9.0 / out, 0},
        {"kaiming_normal:slope=1", 1 / in, 0},
        {"torch_linear_weight", 1 / (3 * in), 1 / sqrt(in)},
        {"torch_linear_bias:fan_in=784", 1 / (3 * 784.0), 1 / 28.0},
        {"trunc_normal", cut_variance, 2},
        {"truncated_normal:std=2,low=-4,high=4", 4 * cut_variance, 4},
        {"truncated_normal:result_std=0.5", 0.25, 2},
        {"variance_scaling:scale=3,mode=fan_avg,distribution=uniform", 6 / (in + out), sqrt(18 / (in + out))},
        {"variance_scaling:mode=fan_out,distribution=untruncated_normal", 1 / out, 0},
        {"variance_scaling:mode=fan_out", 1 / out, 2 / sqrt(out) / cut},
        {"glorot_uniform", 2 / (in + out), sqrt(6 / (in + out))},
        {"glorot_normal", 2 / (in + out), 2 * sqrt(2 / (in + out)) / cut},
        {"he_uniform", 2 / in, sqrt(6 / in)},
        {"he_normal", 2 / in, 2 * sqrt(2 / in) / cut},
        {"lecun_uniform", 1 / in, sqrt(3 / in)},
        {"lecun_normal", 1 / in, 2 * sqrt(1 / in) / cut},
    };
    begin(NNINIT_STREAM_TORCH);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        double variance = expected[i].variance, bound = expected[i].bound > 0 ? expected[i].bound : INFINITY;
        nninit_selftest r = {.size = sizeof r};
        nninit_initializer *init = parse(expected[i].rule);
        ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, w, shape, 4, generator));
        ck_assert_ok(context, nninit_selftest_values(init, NNINIT_FLOAT32, w, shape, 4, &r));
        const nninit_selftest_check *c = r.checks;
        ck_assert_msg(r.failed == 0 && r.performed == 10, "%s", r.text);
        ck_assert_msg(fabs(c[NNINIT_SELFTEST_MEAN].expected) < 1e-15, "%s", expected[i].rule);
        ck_assert_msg(fabs(c[NNINIT_SELFTEST_VARIANCE].expected / variance - 1) < 1e-13, "%s: %.17g, not %.17g",
                      expected[i].rule, c[NNINIT_SELFTEST_VARIANCE].expected, variance);
        double low = c[NNINIT_SELFTEST_SMALLEST].expected, high = c[NNINIT_SELFTEST_LARGEST].expected;
        ck_assert_msg(low == -high && (high == bound || fabs(high / bound - 1) < 1e-14), "%s: %.17g, not %.17g",
                      expected[i].rule, high, bound);
        nninit_initializer_destroy(&init);
    }
    nninit_context_destroy(&context);
}
END_TEST

/* `drawn` comes where `asked` was asked for, and then one place gets another value. */
static const struct {
    const char *name, *asked, *drawn;
    struct shape shape;
    int64_t place; /* -1: none */
    float value;
    nninit_selftest_kind seen_by;
} faults[] = {
    {"the gain is forgotten", "orthogonal:gain=1.01", "orthogonal", {2, {8, 16}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"normals of the same std", "orthogonal", "normal:std=0.25", {2, {16, 8}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"one element of many", "orthogonal", "orthogonal", {4, {10, 5, 3, 3}}, 17, 0.3f, NNINIT_SELFTEST_STRUCTURE},
    {"other dimensions", "orthogonal:gain=2", "identity:gain=2", {2, {6, 6}}, 1, 0.001f, NNINIT_SELFTEST_STRUCTURE},
    {"not the centre alone", "delta_orthogonal", "delta_orthogonal", {3, {9, 4, 3}}, 0, 1e-3f, NNINIT_SELFTEST_STRUCTURE},
    {"all taps", "delta_orthogonal", "orthogonal", {3, {9, 4, 3}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"the centre of dirac, which is behind", "delta_orthogonal", "dirac", {3, {4, 4, 2}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"no gain", "identity:gain=2", "identity", {2, {3, 5}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"one place", "identity", "identity", {2, {3, 5}}, 14, 1e-30f, NNINIT_SELFTEST_STRUCTURE},
    {"one group", "dirac:groups=2", "dirac", {4, {4, 3, 3, 3}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"one sign", "hadamard", "hadamard", {2, {8, 7}}, 55, -0.35355339f, NNINIT_SELFTEST_STRUCTURE},
    {"not scaled", "hadamard", "ones", {2, {5, 1}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"a zero less a column", "sparse:sparsity=0.3", "sparse:sparsity=0.27", {2, {50, 20}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"a zero more a column", "sparse:sparsity=0.3", "sparse:sparsity=0.32", {2, {50, 20}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"no zeros", "sparse:sparsity=0.1", "normal:std=0.01", {2, {10, 1}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"another std", "sparse:sparsity=0.5", "sparse:sparsity=0.5,std=0.02", {2, {32, 16}}, -1, 0, NNINIT_SELFTEST_VARIANCE},
    {"an outlier", "sparse:sparsity=0.9", "sparse:sparsity=0.9", {2, {50, 20}}, 999, 0.09f, NNINIT_SELFTEST_LARGEST},
    {"no norm", "nguyen_widrow", "uniform:low=-1", {2, {10, 4}}, -1, 0, NNINIT_SELFTEST_STRUCTURE},
    {"beyond all bounds", "nguyen_widrow", "nguyen_widrow", {2, {10, 4}}, 7, 9, NNINIT_SELFTEST_VALUES},
};

START_TEST(structural_faults_are_seen) {
    static float w[2000];
    int missed = 0, false_alarms = 0;
    begin(NNINIT_STREAM_TORCH);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            const struct shape *s = &faults[i].shape;
            nninit_selftest bad = {.size = sizeof bad};
            nninit_initializer *asked = parse(faults[i].asked), *drawn = parse(faults[i].drawn);
            nninit_generator_seed(generator, seed);
            ck_assert_ok(context, nninit_initializer_fill(drawn, NNINIT_FLOAT32, w, s->sizes, s->rank, generator));
            if (faults[i].place >= 0)
                w[faults[i].place] = faults[i].value;
            ck_assert_ok(context, nninit_selftest_values(asked, NNINIT_FLOAT32, w, s->sizes, s->rank, &bad));
            bool seen = bad.checks[faults[i].seen_by].verdict == NNINIT_SELFTEST_FAILED;
            if (!seen)
                printf("%s, seed %d: %s\n", faults[i].name, (int)seed, bad.text);
            missed += !seen;
            false_alarms += draw_and_check(faults[i].asked, NNINIT_FLOAT32, s, w);
            nninit_initializer_destroy(&asked);
            nninit_initializer_destroy(&drawn);
        }
    nninit_context_destroy(&context);
    ck_assert_int_eq(missed, 0);
    ck_assert_int_eq(false_alarms, 0);
}
END_TEST

/* A rotation, a Hadamard matrix and a sparse weight by hand: which statistic, of what, and what is allowed. */
START_TEST(structure_by_hand) {
    const double rotation[] = {0.6, 0.8, -0.8, 0.6}, skewed[] = {0.6, 0.8, -0.8, 0.7};
    const double hadamard[] = {0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.5, 0.5, -0.5, 0.5, -0.5, -0.5};
    const struct {
        const char *rule;
        const double *values;
        int64_t rows, columns;
        double found, allowed;
    } cases[] = {
        {"orthogonal", rotation, 2, 2, 0, 6 * 0x1p-52},
        {"orthogonal", skewed, 2, 2, 0.13, 6 * 0x1p-52}, /* 0.64 + 0.49 - 1 */
        {"orthogonal", rotation, 1, 2, 0, 6 * 0x1p-52},
        {"orthogonal:gain=2", rotation, 2, 2, 0.75, 6 * 0x1p-52},
        {"hadamard", hadamard, 4, 3, 0, 0},
        {"identity", hadamard, 2, 2, 4, 0},
        {"nguyen_widrow", rotation, 1, 2, 1 / 0.7 - 1, 3 * 0x1p-52},
    };
    begin(NNINIT_STREAM_TORCH);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nninit_selftest r = {.size = sizeof r};
        nninit_initializer *init = parse(cases[i].rule);
        ck_assert_ok(context, nninit_selftest_values(init, NNINIT_FLOAT64, cases[i].values,
                                                     (const int64_t[]){cases[i].rows, cases[i].columns}, 2, &r));
        const nninit_selftest_check *c = &r.checks[NNINIT_SELFTEST_STRUCTURE];
        ck_assert_str_eq(c->name, "structure");
        ck_assert_msg(fabs(c->found - cases[i].found) < 1e-15 && fabs(c->expected - cases[i].allowed) < 1e-30,
                      "%s: %.17g, allowed %g", r.text, c->found, c->expected);
        ck_assert(c->p == (cases[i].found <= 1e-15) && r.performed == 2);
        nninit_initializer_destroy(&init);
    }
    nninit_context_destroy(&context);
}
END_TEST

/* Columns of four normals and a zero: a second zero may be chance, with at most 2^-24 and a bit for each of the normals. */
START_TEST(zeros_by_chance) {
    static float w[5 * 200];
    nninit_selftest r = {.size = sizeof r};
    begin(NNINIT_STREAM_TORCH);
    nninit_initializer *init = parse("sparse:sparsity=0.2");
    const int64_t shape[] = {5, 200};
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, w, shape, 2, generator));
    w[0 + 200 * (w[0] == 0)] = 0; /* one more */
    ck_assert_ok(context, nninit_selftest_values(init, NNINIT_FLOAT32, w, shape, 2, &r));
    const nninit_selftest_check *c = &r.checks[NNINIT_SELFTEST_STRUCTURE];
    ck_assert_msg(c->found == 1 && c->p > 800 * 0x1p-24 * 0.999 && c->p < 800 * 0x1p-22 && r.failed == 0, "%s", r.text);
    nninit_context_destroy(&context);
}
END_TEST

static int write_given(void *user, const int64_t *shape, int rank, nninit_dtype dtype, void *values,
                       nninit_generator *generator_) {
    (void)shape, (void)rank, (void)dtype, (void)generator_;
    memcpy(values, user, 6 * sizeof(float));
    return 0;
}

/* Values that are given must come out, rounded; of those of a function nothing is known. */
START_TEST(given_values) {
    static const double values[] = {0.1, -2, 3, 1e6, 0, 1e-30};
    static const int64_t shape[] = {2, 3};
    float w[6];
    nninit_initializer *array, *callback;
    nninit_selftest r = {.size = sizeof r};
    begin(NNINIT_STREAM_TORCH);
    for (int i = 0; i < 6; i++)
        w[i] = (float)values[i];
    ck_assert_ok(context, nninit_initializer_from_array(&array, context, NNINIT_FLOAT64, values, shape, 2));
    ck_assert_ok(context, nninit_initializer_from_callback(&callback, context, write_given, w));
    ck_assert_ok(context, nninit_initializer_selftest(array, shape, 2, NULL, &r));
    ck_assert_msg(r.failed == 0 && r.performed == 2, "%s", r.text);
    ck_assert_ok(context, nninit_initializer_selftest(callback, shape, 2, NULL, &r));
    ck_assert_msg(r.failed == 0 && r.performed == 1, "%s", r.text);
    w[4] = 1e-20f;
    ck_assert_ok(context, nninit_selftest_values(array, NNINIT_FLOAT32, w, shape, 2, &r));
    ck_assert_str_eq(r.text, "FAILED: array [2, 3], 1 of 2 checks; structure 1 where 0 is expected, p 0");
    w[4] = NAN;
    ck_assert_ok(context, nninit_initializer_selftest(callback, shape, 2, NULL, &r));
    ck_assert_str_eq(r.text, "FAILED: callback [2, 3], 1 of 1 checks; values: 1 cannot be, first nan at element 4");
    nninit_context_destroy(&context);
}
END_TEST

SUITE(selftest_rules, right_draws_pass, right_draws_pass_at_odd_shapes, expectations_in_closed_form,
      structural_faults_are_seen, structure_by_hand, zeros_by_chance, given_values)
