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
    ck_assert_int_eq(beyond, 7);
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

/* The probability that n values uniform in [0, 1] have a sum below x (Irwin 1927, Hall 1927). */
static double irwin_hall(int n, double x) {
    double sum = 0, choose = 1, factorial = 1;
    for (int k = 0; k < x; k++) {
        sum += (k % 2 ? -1 : 1) * choose * pow(x - k, n);
        choose *= (double)(n - k) / (k + 1);
    }
    for (int k = 2; k <= n; k++)
        factorial *= k;
    return sum / factorial;
}

/* Means of 8 and more values against closed forms: of uniforms, of squares of normals (chi-square) and of exponentials
 * (gamma), from p near 1 to p = 1e-12. */
START_TEST(means) {
    enum { NODES = 20000 };
    static double y[3][NODES], weight[3][NODES];
    double total[3] = {0}, worst[3] = {0};
    for (int i = 0; i < NODES; i++) {
        double middle = (i + 0.5) / NODES, x = 10 * middle;
        y[0][i] = middle;
        y[1][i] = x * x;
        y[2][i] = 10 * x;
        weight[0][i] = 1;
        weight[1][i] = exp(-x * x / 2);
        weight[2][i] = exp(-10 * x);
        for (int k = 0; k < 3; k++)
            total[k] += weight[k][i];
    }
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < NODES; i++)
            weight[k][i] /= total[k];
    for (int n = 8; n <= 128; n *= 4)
        for (double z = -7; z <= 7; z += 0.25)
            for (int k = n == 8 ? 0 : 1; k < 3; k++) {
                double mean[] = {0.5, 1, 1}, variance[] = {1.0 / 12, 2, 1}, at = mean[k] + z * sqrt(variance[k] / n), want;
                if (at <= 0 || (k == 0 && at >= 1))
                    continue;
                if (k == 0)
                    want = 2 * irwin_hall(n, n * fmin(at, 1 - at));
                else
                    want = 2 * fmin(statistics_gamma_lower(k == 1 ? n / 2.0 : n, k == 1 ? n * at / 2 : n * at),
                                    statistics_gamma_upper(k == 1 ? n / 2.0 : n, k == 1 ? n * at / 2 : n * at));
                if (want > 1e-12)
                    worst[k] = fmax(worst[k], fabs(statistics_mean_p(y[k], weight[k], NODES, n, at) / fmin(want, 1) - 1));
            }
    ck_assert_msg(worst[0] < 0.03 && worst[1] < 0.03 && worst[2] < 0.03, "uniform %g, chi-square %g, gamma %g", worst[0],
                  worst[1], worst[2]);
    ck_assert(statistics_mean_p(y[0], weight[0], NODES, 8, 2) == 0 && statistics_mean_p(y[0], weight[0], NODES, 8, -1) == 0);
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

SUITE(statistics, equals_scipy_and_mpmath, kolmogorov_equals_scipy, kolmogorov_closed_forms, means, sorts)
