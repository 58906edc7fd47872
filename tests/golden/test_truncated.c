/* SPDX-License-Identifier: MIT */
/* Normals cut to an interval: every line of truncated.txt (scripts/make-golden-truncated.py, 60 digits). */
#include "suite.h"

#include "host/truncated.h"

#include <float.h>
#include <math.h>

/* What a part of the interval's width is worth here: the rounding of its ends, and of the logarithms of tails. */
static bool is_near(double got, double want, double low, double high, double mean, double std) {
    double far = fmax(fabs(low - mean), fabs(high - mean)) / std;
    double unit = DBL_EPSILON * (fabs(want) + std * (1 + (far < 1 ? far : 1)));
    return fabs(got - want) <= 16 * unit;
}

START_TEST(equals_mpmath) {
    char line[256];
    double mean, std, low, high, first, second, m, s;
    int moments = 0, inverses = 0;
    FILE *file = fopen(suite_path("golden/truncated.txt"), "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "moments %lf %lf %lf %lf %lf %lf", &mean, &std, &low, &high, &first, &second) == 6) {
            truncated_moments(mean, std, low, high, &m, &s);
            ck_assert_msg(is_near(m, first, low, high, mean, std), "%s%.17g", line, m);
            ck_assert_msg(fabs(s - second) <= 1e-11 * second, "%s%.17g", line, s);
            moments++;
        } else if (sscanf(line, "inverse %lf %lf %lf %lf %lf %lf", &mean, &std, &low, &high, &first, &second) == 6) {
            /* 2^-54 is what the draw adds. A part near 1 is rounded: what is wanted lies between its neighbours' values. */
            double x[2] = {nextafter(first - 0x1p-54, 0), nextafter(first - 0x1p-54, 1)};
            truncated_from_uniform(x, 2, mean, std, low, high);
            double nearest = fmin(fmax(second, x[0]), x[1]);
            ck_assert_msg(is_near(nearest, second, low, high, mean, std), "%s%.17g %.17g", line, x[0], x[1]);
            inverses++;
        }
    }
    fclose(file);
    ck_assert_int_eq(moments, 12);
    ck_assert_int_eq(inverses, 96);
}
END_TEST

/* The scale that is solved for gives the std that was asked for. */
START_TEST(solves) {
    static const double cases[][4] = {{0, 0.02, -2, 2}, {0, 1, -2, 2}, {0, 1.15, -2, 2}, {5, 0.3, -1, 1},
                                      {-1, 1e-3, 0, 7}, {0, 2, 0, 7}, {0.5, 1e-8, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double *c = cases[i];
        double mean, std, scale = truncated_solve(c[0], c[1], c[2], c[3]);
        truncated_moments(c[0], scale, c[2], c[3], &mean, &std);
        ck_assert_msg(fabs(std - c[1]) <= 1e-10 * c[1], "case %d: scale %.17g gives %.17g", (int)i, scale, std);
    }
}
END_TEST

SUITE(truncated, equals_mpmath, solves)
