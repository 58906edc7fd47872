/* SPDX-License-Identifier: MIT */
/* The self-test: faults that it must see at the shape named with them, right draws that must pass, p-values that must be
 * uniform, and what can be said of few values. */
#include "suite.h"

#include "host/statistics.h"

#include <fenv.h>
#include <math.h>
#include <stddef.h>

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

static void assert_performed(const char *rule, nninit_dtype dtype, const void *w, int64_t rows, int64_t columns,
                             const char *wanted) {
    nninit_selftest r = check_values(rule, dtype, w, rows, columns);
    char got[256] = "";
    int count = 0;
    for (int c = 0; c < NNINIT_SELFTEST_CHECKS; c++) {
        bool skipped = r.checks[c].verdict == NNINIT_SELFTEST_SKIPPED;
        if (!skipped)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", r.checks[c].name);
        ck_assert(isnan(r.checks[c].p) == skipped && isnan(r.checks[c].found) == skipped);
        count += !skipped;
    }
    ck_assert_str_eq(got, wanted);
    ck_assert_int_eq(r.performed, count);
    ck_assert(r.count == rows * columns && r.threshold == NNINIT_SELFTEST_RATE / (count ? count : 1));
}

/* What runs depends on how many values there are, in how many rows, of what kind. */
START_TEST(few_values) {
    static float w[300];
    static double wide[60];
    begin(NNINIT_STREAM_TORCH);
    ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT32, w, 300, 0, 1));
    ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT64, wide, 60, 0, 1));
    assert_performed("uniform", NNINIT_FLOAT32, w, 1, 1, "values smallest largest ");
    assert_performed("uniform", NNINIT_FLOAT64, wide, 1, 7, "values smallest largest repeats ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 2, 4, "values mean variance distribution smallest largest repeats ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 24, 1, "values mean variance distribution smallest largest repeats ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 5, 5,
                     "values mean variance distribution smallest largest balance repeats ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 127, 1,
                     "values mean variance distribution smallest largest balance repeats ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 1, 128,
                     "values mean variance distribution smallest largest balance repeats serial ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 300, 1,
                     "values mean variance distribution smallest largest balance repeats serial ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 2, 64,
                     "values mean variance distribution smallest largest balance repeats serial rows ");
    assert_performed("uniform", NNINIT_FLOAT32, w, 3, 63,
                     "values mean variance distribution smallest largest balance repeats serial ");
    assert_performed("zeros", NNINIT_FLOAT32, w, 6, 10, "values ");
    assert_performed("orthogonal", NNINIT_FLOAT32, w, 6, 10, "values structure ");
    assert_performed("sparse", NNINIT_FLOAT32, w, 2, 3, "values structure smallest largest repeats ");
    assert_performed("sparse:std=0", NNINIT_FLOAT32, w, 2, 3, "values ");
    assert_performed("normal:mean=1,std=1e-6", NNINIT_FLOAT32, w, 6, 10, "values ");
    assert_performed("normal:mean=1,std=1e-6", NNINIT_FLOAT64, wide, 1, 1, "values smallest largest ");
    nninit_context_destroy(&context);
}
END_TEST

/* One value: the p of "smallest" and of "largest" is twice the smaller side. Two: the part of the square. */
START_TEST(extremes_in_closed_form) {
    int wrong = 0;
    begin(NNINIT_STREAM_TORCH);
    for (int i = 1; i < 1000; i++) {
        double w[2] = {i / 1000.0, 0.5};
        nninit_selftest one = check_values("uniform", NNINIT_FLOAT64, w, 1, 1);
        nninit_selftest two = check_values("uniform", NNINIT_FLOAT64, w, 1, 2);
        double least = fmin(w[0], 0.5), most = fmax(w[0], 0.5), below = most * most, above = (1 - least) * (1 - least);
        wrong += fabs(one.checks[NNINIT_SELFTEST_SMALLEST].p - 2 * fmin(w[0], 1 - w[0])) > 1e-13;
        wrong += fabs(one.checks[NNINIT_SELFTEST_LARGEST].p - 2 * fmin(w[0], 1 - w[0])) > 1e-13;
        wrong += fabs(two.checks[NNINIT_SELFTEST_LARGEST].p - 2 * fmin(below, 1 - below)) > 1e-13;
        wrong += fabs(two.checks[NNINIT_SELFTEST_SMALLEST].p - 2 * fmin(above, 1 - above)) > 1e-13;
    }
    ck_assert_int_eq(wrong, 0);
    nninit_context_destroy(&context);
}
END_TEST

/* Statistics of values whose statistics are known. */
START_TEST(statistics_are_right) {
    const double w[] = {-1, 1, -2, 2, 0.5, -0.5, 3, 1};
    begin(NNINIT_STREAM_TORCH);
    nninit_selftest r = check_values("normal:mean=0.5,std=2", NNINIT_FLOAT64, w, 2, 4);
    ck_assert(fabs(r.checks[NNINIT_SELFTEST_MEAN].found - 0.5) < 1e-15 && r.checks[NNINIT_SELFTEST_MEAN].expected == 0.5);
    ck_assert(fabs(r.checks[NNINIT_SELFTEST_VARIANCE].found - 18.5 / 8) < 1e-14);
    ck_assert(r.checks[NNINIT_SELFTEST_VARIANCE].expected == 4 && r.checks[NNINIT_SELFTEST_MEAN].p == 1);
    ck_assert(r.checks[NNINIT_SELFTEST_SMALLEST].found == -2 && r.checks[NNINIT_SELFTEST_LARGEST].found == 3);
    ck_assert(isinf(r.checks[NNINIT_SELFTEST_LARGEST].expected));
    ck_assert(r.checks[NNINIT_SELFTEST_REPEATS].found == 1 && r.checks[NNINIT_SELFTEST_REPEATS].expected < 1e-13);
    ck_assert_str_eq(r.checks[NNINIT_SELFTEST_REPEATS].name, "repeats");
    ck_assert(has_failed(&r, NNINIT_SELFTEST_REPEATS) && r.failed == 1);
    ck_assert(strstr(r.text, "FAILED: normal [2, 4], 1 of 7 checks; repeats 1 where ") == r.text);
    nninit_context_destroy(&context);
}
END_TEST

/* Of 8 normals: an even chi-square's upper tail is a sum, exp(-h) (1 + h + h^2/2 + h^3/6) at 2 h. */
START_TEST(moments_in_closed_form) {
    int wrong = 0;
    begin(NNINIT_STREAM_PHILOX);
    for (int i = 0; i < 200; i++) {
        double w[8], sum = 0, half = 0;
        ck_assert_ok(context, nninit_generator_normal(generator, NNINIT_FLOAT64, w, 8, 3, 2 + i / 50.0));
        for (int k = 0; k < 8; k++) {
            sum += (w[k] - 3) / 2;
            half += (w[k] - 3) * (w[k] - 3) / 8;
        }
        double upper = exp(-half) * (1 + half * (1 + half / 2 * (1 + half / 3)));
        nninit_selftest r = check_values("normal:mean=3,std=2", NNINIT_FLOAT64, w, 4, 2);
        wrong += fabs(r.checks[NNINIT_SELFTEST_MEAN].p - erfc(fabs(sum / 4))) > 1e-12;
        wrong += fabs(r.checks[NNINIT_SELFTEST_VARIANCE].p - 2 * fmin(upper, 1 - upper)) > 1e-12;
    }
    nninit_context_destroy(&context);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* Balls in equally likely urns, by enumeration: the upper tail of hits on occupied ones is at most the bound. */
START_TEST(repeats_are_bounded) {
    int wrong = 0, compared = 0;
    for (int urns = 2; urns <= 40; urns++) {
        double chance[41] = {1}, mean_occupied = 0; /* of how many are occupied */
        for (int n = 1; n <= urns; n++) {
            for (int k = n; k > 0; k--)
                chance[k] = chance[k] * k / urns + chance[k - 1] * (urns - k + 1) / urns;
            chance[0] = mean_occupied = 0;
            for (int k = 1; k <= n; k++)
                mean_occupied += k * chance[k];
            double mean = n - mean_occupied, tail = 0;
            for (int hits = n - 1; hits >= 0; hits--) {
                tail += chance[n - hits];
                wrong += tail > statistics_hits_upper(mean, hits) * (1 + 1e-9);
                compared++;
            }
        }
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(compared, 5000);
}
END_TEST

/* A normal cut to next to nothing is a uniform. */
START_TEST(narrow_cut) {
    static double w[30000];
    begin(NNINIT_STREAM_TORCH);
    for (int i = 0; i < 20; i++) {
        ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT64, w, 30000, -2, 2));
        nninit_selftest r = check_values("truncated_normal:std=1e9", NNINIT_FLOAT64, w, 100, 300);
        ck_assert_msg(r.failed == 0 && r.performed == 10, "%s", r.text);
    }
    ck_assert(check_values("truncated_normal:std=1e9,low=-2.01", NNINIT_FLOAT64, w, 100, 300).failed > 0);
    nninit_context_destroy(&context);
}
END_TEST

/* As many repeats as words of 24 bits have pass; float32 values that call themselves float64 do not. */
START_TEST(words_and_types) {
    enum { COUNT = 1 << 19 };
    float *w = malloc(COUNT * sizeof *w);
    double *wide = malloc(COUNT * sizeof *wide);
    begin(NNINIT_STREAM_TORCH);
    ck_assert_ok(context, nninit_generator_uniform(generator, NNINIT_FLOAT32, w, COUNT, -1, 1));
    for (int i = 0; i < COUNT; i++)
        wide[i] = (double)w[i];
    nninit_selftest single = check_values("uniform:low=-1", NNINIT_FLOAT32, w, 512, 1024);
    nninit_selftest twice = check_values("uniform:low=-1", NNINIT_FLOAT64, wide, 512, 1024);
    double pairs = 0.5 * COUNT * COUNT / 16777216, found = single.checks[NNINIT_SELFTEST_REPEATS].found;
    ck_assert_msg(single.failed == 0, "%s", single.text);
    ck_assert_msg(fabs(found - pairs) < 6 * sqrt(pairs) + 0.02 * pairs, "%g repeats, about %g pairs", found, pairs);
    ck_assert(has_failed(&twice, NNINIT_SELFTEST_REPEATS) && twice.failed == 1);
    nninit_context_destroy(&context);
    free(wide);
    free(w);
}
END_TEST

/* Values that are no numbers, and single ones that differ from a constant. */
START_TEST(wrong_values) {
    float w[40] = {0};
    begin(NNINIT_STREAM_TORCH);
    ck_assert_int_eq(check_values("zeros", NNINIT_FLOAT32, w, 8, 5).failed, 0);
    w[39] = 1e-45f;
    nninit_selftest r = check_values("zeros", NNINIT_FLOAT32, w, 8, 5);
    ck_assert(r.failed == 1 && r.checks[NNINIT_SELFTEST_VALUES].found == 1);
    for (int i = 0; i < 40; i++)
        w[i] = 0.1f;
    ck_assert_int_eq(check_values("constant:value=0.1", NNINIT_FLOAT32, w, 8, 5).failed, 0);
    ck_assert_int_eq(check_values("constant:value=0.1000001", NNINIT_FLOAT32, w, 8, 5).failed, 1);
    static const float strange[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        draw_rule(w, 8, 5, "normal");
        w[17] = strange[i];
        r = check_values("normal", NNINIT_FLOAT32, w, 8, 5);
        ck_assert(r.failed == 1 && r.performed == 1 && has_failed(&r, NNINIT_SELFTEST_VALUES));
        ck_assert_int_eq(check_values("orthogonal", NNINIT_FLOAT32, w, 8, 5).failed, 1);
        ck_assert_int_eq(check_values("zeros", NNINIT_FLOAT32, w, 8, 5).failed, 1);
    }
    nninit_context_destroy(&context);
}
END_TEST

/* The self-test draws what a fill draws, float32, and says the same about it whatever the caller's rounding mode. */
START_TEST(same_as_fill_and_check) {
    static float w[60 * 33];
    const int64_t shape[] = {60, 33};
    int64_t after[2];
    begin(NNINIT_STREAM_TORCH);
    nninit_initializer *init = parse("he_normal");
    nninit_selftest drawn = {.size = sizeof drawn}, given = {.size = sizeof given};
    ck_assert_ok(context, nninit_initializer_fill(init, NNINIT_FLOAT32, w, shape, 2, generator));
    ck_assert_ok(context, nninit_selftest_values(init, NNINIT_FLOAT32, w, shape, 2, &given));
    ck_assert_ok(context, nninit_generator_random(generator, &after[0], 1));
    nninit_generator_seed(generator, 777);
#ifdef FE_UPWARD
    fesetround(FE_UPWARD);
#endif
    nninit_status status = nninit_initializer_selftest(init, shape, 2, generator, &drawn);
    fesetround(FE_TONEAREST);
    ck_assert_ok(context, status);
    ck_assert_ok(context, nninit_generator_random(generator, &after[1], 1));
    ck_assert(after[0] == after[1]);
    ck_assert_str_eq(drawn.text, given.text);
    nninit_selftest held = {.size = sizeof held};
    nninit_tensor *tensor;
    ck_assert_ok(context, nninit_tensor_wrap(&tensor, context, "w", w, shape, 2));
    ck_assert_ok(context, nninit_selftest_tensor(init, tensor, &held));
    ck_assert_str_eq(held.text, given.text);
    for (int c = NNINIT_SELFTEST_MEAN; c < NNINIT_SELFTEST_CHECKS; c++)
        ck_assert(drawn.checks[c].p == given.checks[c].p && drawn.checks[c].found == given.checks[c].found);
    nninit_context_destroy(&context);
}
END_TEST

START_TEST(bad_arguments) {
    float w[4] = {0};
    const int64_t shape[] = {2, 2}, negative[] = {2, -2};
    nninit_context *other = suite_context();
    nninit_generator *foreign;
    begin(NNINIT_STREAM_TORCH);
    ck_assert_ok(other, nninit_generator_create(&foreign, other, NNINIT_STREAM_TORCH, 1));
    nninit_initializer *init = parse("xavier_normal"), *crossed = parse("uniform:low=2"), *unset = parse("torch_linear_bias");
    nninit_selftest r = {.size = sizeof r, .count = 99}, none = {.size = 0};
    nninit_tensor *alien, *number, *empty;
    ck_assert_ok(other, nninit_tensor_create(&alien, other, NULL, shape, 2));
    ck_assert_ok(context, nninit_tensor_create(&number, context, NULL, NULL, 0));
    ck_assert_ok(context, nninit_tensor_create(&empty, context, NULL, (const int64_t[]){2, 0}, 2));
    ck_assert_int_eq(nninit_selftest_values(NULL, NNINIT_FLOAT32, w, shape, 2, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT16, w, shape, 2, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, NULL, shape, 2, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, w, NULL, 2, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, w, shape, 2, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, w, shape, 2, &none), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, w, shape, 1, &r), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, w, shape, 0, &r), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, w, negative, 2, &r), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_selftest_values(crossed, NNINIT_FLOAT32, w, shape, 2, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_values(unset, NNINIT_FLOAT32, w, shape, 2, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_selftest(NULL, shape, 2, generator, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_selftest(init, shape, 2, NULL, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_selftest(init, shape, 2, foreign, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_selftest(init, shape, 2, generator, NULL), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_initializer_selftest(init, shape, 1, generator, &r), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_selftest_values(init, NNINIT_FLOAT32, w, (const int64_t[]){3, 0}, 2, &r), NNINIT_ERR_SHAPE);
    ck_assert_str_eq(nninit_context_message(context), "shape[1] is 0; there is no value to check");
    ck_assert_int_eq(nninit_initializer_selftest(init, (const int64_t[]){0, 2}, 2, generator, &r), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_selftest_tensor(NULL, empty, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_tensor(init, NULL, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_tensor(init, alien, &r), NNINIT_ERR_INVALID);
    ck_assert_int_eq(nninit_selftest_tensor(init, number, &r), NNINIT_ERR_SHAPE);
    ck_assert_int_eq(nninit_selftest_tensor(init, empty, &r), NNINIT_ERR_SHAPE);
    ck_assert(r.count == 99 && r.text[0] == 0);
    /* A caller that was built when the outcome was shorter gets what it knows. */
    r.size = offsetof(nninit_selftest, text);
    ck_assert_ok(context, nninit_initializer_selftest(init, shape, 2, generator, &r));
    ck_assert(r.count == 4 && r.performed == 4 && r.text[0] == 0 && r.size == offsetof(nninit_selftest, text));
    nninit_context_destroy(&context);
    nninit_context_destroy(&other);
}
END_TEST

SUITE(selftest, faults_are_seen, p_values_are_uniform, few_values, extremes_in_closed_form,
      statistics_are_right, repeats_are_bounded, narrow_cut, words_and_types, wrong_values, same_as_fill_and_check,
      bad_arguments, moments_in_closed_form)
