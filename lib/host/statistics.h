/* SPDX-License-Identifier: MIT */
/* Distribution functions for tests of random numbers, in double by libm. "lower" is P(X <= x), "upper" P(X > x), of a count
 * P(X >= k); each is accurate where it is small. Callers have set the default floating-point environment. */
#ifndef NNINIT_LIB_HOST_STATISTICS_H
#define NNINIT_LIB_HOST_STATISTICS_H

#include <stdint.h>

/* Standard normal. */
double statistics_normal_lower(double x);
double statistics_normal_upper(double x);
/* The logarithm of statistics_normal_lower(), for any x. */
double statistics_normal_log_lower(double x);
/* P(Z <= x) of a standard normal cut to [a, b], a <= x <= b; what is above x is statistics_cut_lower(-b, -x, -a).
 * Relative error 1e-16 (10 + a^2) / min(1, (x - a) (1 + |a|)). */
double statistics_cut_lower(double a, double x, double b);

/* Gamma with shape a > 0 and scale 1: the regularized incomplete gamma functions. Relative error 1e-12, and
 * 1e-15 sqrt(a) |z| at z standard deviations from the mean. */
double statistics_gamma_lower(double a, double x);
double statistics_gamma_upper(double a, double x);

/* Poisson, mean >= 0. */
double statistics_poisson_upper(double mean, double k);
/* At most P(X >= k) for a sum X of independent indicators of this mean. */
double statistics_hits_upper(double mean, double k);
/* n coins, 2 k >= n. */
double statistics_coins_upper(double n, double k);

/* Two-sided p of the mean of n >= 8 independent values, each of which is y[i] with probability weight[i] (sum 1): a
 * distribution by the nodes of its quadrature. By saddlepoint, to a few percent of p whatever p is; 0 for a mean beyond
 * all nodes. */
double statistics_mean_p(const double *y, const double *weight, int nodes, double n, double mean);

/* P(D >= d) of Kolmogorov and Smirnov's two-sided statistic of n values. Up to 1000 values exact (error 1e-12) where
 * n d^2 <= 9, an upper bound beyond (below 4e-8); from there on the error is below 1e-4, and 5 % of a
 * tail down to 1e-9. */
double statistics_kolmogorov_upper(int64_t n, double d);

/* Sort ascending; no NaN. room: [n]. */
void statistics_sort(double *x, double *room, int64_t n);

/* Mean of float32 values, and of their squared distance from it. */
void statistics_moments(const float *values, int64_t count, double *mean, double *variance);

#endif
