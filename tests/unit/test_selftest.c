/* SPDX-License-Identifier: MIT */
/* The self-test: faults that it must see at the shape named with them, right draws that must pass, p-values that must be
 * uniform, and what can be said of few values. */
#include "suite.h"

#include "host/statistics.h"

#include <fenv.h>
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

static nninit_selftest check_values(const char *rule, nninit_dtype dtype, const void *values, int64_t rows, int64_t columns) {
    nninit_selftest result = {.size = sizeof result};
    nninit_initializer *init = parse(rule);
    ck_assert_ok(context, nninit_selftest_values(init, dtype, values, (const int64_t[]){rows, columns}, 2, &result));
    nninit_initializer_destroy(&init);
    return result;
}

static bool has_failed(const nninit_selftest *r, nninit_selftest_kind kind) {
    return r->checks[kind].verdict == NNINIT_SELFTEST_FAILED;
}

/* What a faulty program makes of a shape, where `rule` is asked for. */
struct fault {
    const char *name, *rule;
    int64_t rows, columns;
    nninit_selftest_kind seen_by;
    void (*draw)(float *w, int64_t rows, int64_t columns);
};

static void draw_uniform(float *w, int64_t count, double bound) {
    ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT32, w, count, -bound, bound));
}

static void draw_normal(float *w, int64_t count, double std) {
    ck_assert_ok(context, nninit_generator_normal(generator, NNINIT_FLOAT32, w, count, 0, std));
}

static void draw_rule(float *w, int64_t rows, int64_t columns, const char *rule) {
    nninit_initializer *init = parse(rule);
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, w, (const int64_t[]){rows, columns}, 2, generator));
    nninit_initializer_destroy(&init);
}

static void variance_for_std(float *w, int64_t rows, int64_t columns) {
    draw_normal(w, rows * columns, 2.0 / (double)columns);
}

static void no_sqrt_3(float *w, int64_t rows, int64_t columns) {
    draw_uniform(w, rows * columns, sqrt(2.0 / (double)(rows + columns)));
}

static void lecun_for_he(float *w, int64_t rows, int64_t columns) {
    draw_uniform(w, rows * columns, sqrt(3.0 / (double)columns));
}

static void fan_out_for_fan_in(float *w, int64_t rows, int64_t columns) {
    draw_normal(w, rows * columns, sqrt(2.0 / (double)rows));
}

static void only_positive(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "kaiming_normal:nonlinearity=relu");
    for (int64_t i = 0; i < rows * columns; i++)
        w[i] = fabsf(w[i]);
}

static void constant(float *w, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows * columns; i++)
        w[i] = 0.01f;
}

static void cut_at_other_bounds(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "truncated_normal:low=-2.2,high=2.2");
}

static void cut_though_not_asked(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "truncated_normal:low=-3,high=3");
}

static void std_of_the_uncut(float *w, int64_t rows, int64_t columns) {
    double std = sqrt(2.0 / (double)columns);
    char rule[128];
    snprintf(rule, sizeof rule, "truncated_normal:std=%.17g,low=%.17g,high=%.17g", std, -2 * std, 2 * std);
    draw_rule(w, rows, columns, rule);
}

static void same_row_twice(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "xavier_uniform");
    memcpy(w + (rows - 1) * columns, w + columns, (size_t)columns * sizeof *w);
}

static void scaled_row(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "xavier_uniform");
    for (int64_t i = 0; i < columns; i++)
        w[columns + i] = -0.9f * w[i];
}

static void words_of_16_bits(float *w, int64_t rows, int64_t columns) {
    draw_uniform(w, rows * columns, 1);
    for (int64_t i = 0; i < rows * columns; i++)
        w[i] = (floorf(w[i] * 32768.0f) + 0.5f) / 32768.0f;
}

static void each_value_twice(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "xavier_uniform");
    for (int64_t i = 1; i < rows * columns; i += 2)
        w[i] = nextafterf(w[i - 1], 0);
}

static void one_stray(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "xavier_uniform");
    w[columns] *= 0.0f;
    w[rows * columns / 2] = 0.7f;
}

static void outlier(float *w, int64_t rows, int64_t columns) {
    draw_rule(w, rows, columns, "normal");
    w[columns] = -8;
}

static const struct fault faults[] = {
    {"variance taken for std", "kaiming_normal:nonlinearity=relu", 8, 16, NNINIT_SELFTEST_VARIANCE, variance_for_std},
    {"no sqrt(3) in a bound", "xavier_uniform", 16, 8, NNINIT_SELFTEST_LARGEST, no_sqrt_3},
    {"LeCun's bound, He's name", "he_uniform", 16, 16, NNINIT_SELFTEST_SMALLEST, lecun_for_he},
    {"fan_out for fan_in", "kaiming_normal:nonlinearity=relu", 64, 48, NNINIT_SELFTEST_VARIANCE, fan_out_for_fan_in},
    {"only positive weights", "kaiming_normal:nonlinearity=relu", 4, 8, NNINIT_SELFTEST_BALANCE, only_positive},
    {"a constant", "xavier_uniform", 2, 4, NNINIT_SELFTEST_REPEATS, constant},
    {"cut elsewhere", "truncated_normal", 32, 32, NNINIT_SELFTEST_VALUES, cut_at_other_bounds},
    {"cut at 3 std", "normal", 128, 128, NNINIT_SELFTEST_LARGEST, cut_though_not_asked},
    {"std of the normal before the cut", "he_normal", 40, 32, NNINIT_SELFTEST_LARGEST, std_of_the_uncut},
    {"the same row twice", "xavier_uniform", 5, 4, NNINIT_SELFTEST_REPEATS, same_row_twice},
    {"a row is another's multiple", "xavier_uniform", 2, 128, NNINIT_SELFTEST_ROWS, scaled_row},
    {"words of 16 bits", "uniform:low=-1", 64, 64, NNINIT_SELFTEST_REPEATS, words_of_16_bits},
    {"each value twice, nearly", "xavier_uniform", 16, 8, NNINIT_SELFTEST_SERIAL, each_value_twice},
    {"one value out of bounds", "xavier_uniform", 16, 16, NNINIT_SELFTEST_VALUES, one_stray},
    {"an outlier", "normal", 16, 16, NNINIT_SELFTEST_SMALLEST, outlier},
};

/* With twenty seeds each: the fault is seen, by the check that is made for it, and the right draw passes. */
START_TEST(faults_are_seen) {
    static float w[128 * 128];
    int missed = 0, false_alarms = 0;
    begin(NNINIT_STREAM_TORCH);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            const struct fault *f = &faults[i];
            nninit_generator_seed(generator, seed);
            f->draw(w, f->rows, f->columns);
            nninit_selftest bad = check_values(f->rule, NNINIT_FLOAT32, w, f->rows, f->columns);
            nninit_generator_seed(generator, seed);
            draw_rule(w, f->rows, f->columns, f->rule);
            nninit_selftest good = check_values(f->rule, NNINIT_FLOAT32, w, f->rows, f->columns);
            bool seen = has_failed(&bad, f->seen_by) && strncmp(bad.text, "FAILED: ", 8) == 0;
            if (!seen || good.failed)
                printf("%s, seed %d\n  %s\n  %s\n", f->name, (int)seed, bad.text, good.text);
            missed += !seen;
            false_alarms += good.failed;
        }
    nninit_context_destroy(&context);
    ck_assert_int_eq(missed, 0);
    ck_assert_int_eq(false_alarms, 0);
}
END_TEST

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* D of p-values against the uniform distribution; one-sided where p may be larger than it need be. */
static double distance(double *p, int n, bool one_sided) {
    double d = 0;
    qsort(p, (size_t)n, sizeof *p, by_value);
    for (int i = 0; i < n; i++) {
        d = fmax(d, (double)(i + 1) / n - p[i]);
        d = fmax(d, one_sided ? 0 : p[i] - (double)i / n);
    }
    return d;
}

/* 10,000 runs of [16, 8]: each check's p-values are uniform by Kolmogorov and Smirnov at 1e-6, those of counts at least that,
 * and no run fails. */
START_TEST(p_values_are_uniform) {
    static const char *const rules[] = {"xavier_uniform", "kaiming_normal", "truncated_normal:low=-0.5,high=3"};
    enum { RUNS = 10000 };
    static double p[NNINIT_SELFTEST_CHECKS][RUNS];
    const int64_t shape[] = {16, 8};
    int wrong = 0, false_alarms = 0;
    begin(NNINIT_STREAM_TORCH);
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        nninit_initializer *init = parse(rules[k]);
        nninit_selftest result = {.size = sizeof result};
        for (int i = 0; i < RUNS; i++) {
            if (nninit_initializer_selftest(init, shape, 2, generator, &result) < 0 || result.performed != 10)
                wrong++;
            false_alarms += result.failed;
            for (int c = 0; c < NNINIT_SELFTEST_CHECKS; c++)
                p[c][i] = result.checks[c].p;
        }
        for (int c = NNINIT_SELFTEST_MEAN; c < NNINIT_SELFTEST_CHECKS; c++) {
            bool one_sided = c == NNINIT_SELFTEST_BALANCE || c == NNINIT_SELFTEST_REPEATS;
            double chance = statistics_kolmogorov_upper(RUNS, distance(p[c], RUNS, one_sided));
            if (getenv("SHOW"))
                printf("%s %s %g\n", rules[k], result.checks[c].name, chance);
            if (!(chance >= 1e-6))
                printf("%s: p of %s: p = %g\n", rules[k], result.checks[c].name, chance);
            wrong += !(chance >= 1e-6);
        }
        nninit_initializer_destroy(&init);
    }
    nninit_context_destroy(&context);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(false_alarms, 0);
}
END_TEST

SUITE(selftest, faults_are_seen, p_values_are_uniform)
