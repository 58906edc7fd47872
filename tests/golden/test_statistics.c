/* SPDX-License-Identifier: MIT */
/* Distribution functions: every line of statistics.txt (scripts/make-golden-statistics.py), enumerations, sorting. */
#include "suite.h"

#include "host/statistics.h"

#include <math.h>

/* The value of a line's function, and the relative error that the header allows. */
static double compute(const char *name, const double *x, double *error) {
    *error = 1e-12;
    if (strcmp(name, "lower") == 0)
        return statistics_normal_lower(x[0]);
    if (strcmp(name, "upper") == 0)
        return statistics_normal_upper(x[0]);
    if (strcmp(name, "log_lower") == 0)
        return statistics_normal_log_lower(x[0]);
    if (strcmp(name, "cut") == 0) {
        *error = x[1] > x[0] ? 1e-16 * (10 + x[0] * x[0]) / fmin(1, (x[1] - x[0]) * (1 + fabs(x[0]))) : 0;
        return statistics_cut_lower(x[0], x[1], x[2]);
    }
    if (strcmp(name, "coins") == 0)
        return statistics_coins_upper(x[0], x[1]);
    if (strcmp(name, "poisson") == 0)
        return statistics_poisson_upper(x[0], x[1]);
    if (strncmp(name, "gamma", 5) == 0) {
        *error += 1e-15 * fabs(x[1] - x[0]);
        return strcmp(name, "gamma_upper") == 0 ? statistics_gamma_upper(x[0], x[1]) : statistics_gamma_lower(x[0], x[1]);
    }
    *error = -1;
    return NAN;
}

START_TEST(equals_scipy_and_mpmath) {
    char line[256], name[32];
    int count = 0, wrong = 0;
    FILE *file = fopen(suite_path("golden/statistics.txt"), "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        double x[4] = {0}, error;
        int found = sscanf(line, "%31s %lf %lf %lf %lf", name, &x[0], &x[1], &x[2], &x[3]);
        if (found < 3 || strncmp(name, "kolmogorov", 10) == 0)
            continue;
        double want = x[found - 2], got = compute(name, x, &error);
        if (!(fabs(got - want) <= error * fabs(want))) {
            printf("%s  got %.17g, off by %.2g, allowed %.2g\n", line, got, fabs(got / want - 1), error);
            wrong++;
        }
        count++;
    }
    fclose(file);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(count, 243);
}
END_TEST

START_TEST(kolmogorov_equals_scipy) {
    char line[256];
    int exact = 0, beyond = 0, many = 0, wrong = 0;
    double n, d, want;
    FILE *file = fopen(suite_path("golden/statistics.txt"), "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "kolmogorov %lf %lf %lf", &n, &d, &want) != 3)
            continue;
        double got = statistics_kolmogorov_upper((int64_t)n, d);
        bool right;
        if (n <= 1000 && n * d * d <= 9) {
            right = fabs(got - want) <= 1e-12;
            exact++;
        } else if (n <= 1000) {
            right = got >= want && got < 4e-8;
            beyond++;
        } else {
            right = fabs(got - want) <= 1e-4 && fabs(got - want) <= (want < 0.1 ? 0.05 : 0.01) * want;
            many++;
        }
        if (!right)
            printf("%s  got %.17g, off by %.2g\n", line, got, got - want);
        wrong += !right;
    }
    fclose(file);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(exact, 103);
    ck_assert_int_eq(beyond, 10);
    ck_assert_int_eq(many, 33);
}
END_TEST

/* D of n values below d by hand: n = 1: 2d - 1; n = 2: 2 (2d - 1/2)^2 up to 1/2, 1 - 2 (1 - d)^2 from there on. */
START_TEST(kolmogorov_closed_forms) {
    int wrong = 0;
    for (int i = 1; i < 100; i++) {
        double d = i / 100.0;
        double one = d < 0.5 ? 0 : 2 * d - 1;
        double two = d < 0.25 ? 0 : d < 0.5 ? 2 * (2 * d - 0.5) * (2 * d - 0.5) : 1 - 2 * (1 - d) * (1 - d);
        wrong += fabs(statistics_kolmogorov_upper(1, d) - (1 - one)) > 1e-14;
        wrong += fabs(statistics_kolmogorov_upper(2, d) - (1 - two)) > 1e-14;
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert(statistics_kolmogorov_upper(5, 1) == 0 && statistics_kolmogorov_upper(5, 0) == 1);
}
END_TEST

/* Sums of 8 squares of normals are a chi-square; a score and its mirror image with the opposite skewness are alike. */
START_TEST(sums) {
    double skew = sqrt(8.0 / 8), p = 2 * statistics_gamma_upper(4, 20.0 / 2);
    ck_assert(fabs(statistics_sum_p((20.0 - 8) / 4, skew) - p) < 1e-14);
    ck_assert(statistics_sum_p(3, skew) == statistics_sum_p(-3, -skew));
    ck_assert(fabs(statistics_sum_p(2, 0) - 0.045500263896358417) < 1e-15);
    ck_assert(fabs(statistics_sum_p(5.3, 2e-4) / statistics_sum_p(5.3, 0) - 1) < 6e-3); /* where the two meet */
    ck_assert(statistics_sum_p(INFINITY, 1) == 0 && statistics_sum_p(-5, 1) == 0 && statistics_sum_p(0, 0) == 1);
}
END_TEST

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

START_TEST(sorts) {
    static double x[5000], want[5000], room[5000];
    uint64_t word = 1;
    for (int n = 0; n <= 5000; n += n < 5 ? 1 : 999) {
        for (int i = 0; i < n; i++) {
            word = word * UINT64_C(6364136223846793005) + 1442695040888963407;
            double wide = ldexp((double)(int64_t)word, (int)(word % 99) - 99), narrow = (double)(float)wide;
            x[i] = want[i] = n % 2 ? wide : narrow;
        }
        qsort(want, (size_t)n, sizeof *want, by_value);
        statistics_sort(x, room, n);
        ck_assert_int_eq(memcmp(x, want, (size_t)n * sizeof *x), 0);
    }
}
END_TEST

SUITE(statistics, equals_scipy_and_mpmath, kolmogorov_equals_scipy, kolmogorov_closed_forms, sums, sorts)
