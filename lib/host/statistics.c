/* SPDX-License-Identifier: MIT */
#include "statistics.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846, sqrt_half = 0.70710678118654752440;
static const double log_2pi = 1.83787706640934548356;

double statistics_normal_lower(double x) {
    return 0.5 * erfc(-x * sqrt_half);
}

double statistics_normal_upper(double x) {
    return 0.5 * erfc(x * sqrt_half);
}

/* From -30 on by the asymptotic series of Mills' ratio (Abramowitz & Stegun, 26.2.12), whose last term is below 2e-14 of a
 * sum near -450. */
double statistics_normal_log_lower(double x) {
    if (x > 0)
        return log1p(-0.5 * erfc(x * sqrt_half));
    if (x > -30)
        return log(0.5 * erfc(-x * sqrt_half));
    double y = 1 / (x * x);
    double series = -y * (1 - y * (3 - y * (15 - y * (105 - y * 945))));
    return -0.5 * x * x - log(-x) - 0.5 * log_2pi + log1p(series);
}

double statistics_cut_lower(double a, double x, double b) {
    if (a > 0) { /* by upper tails */
        double above_a = statistics_normal_log_lower(-a);
        return expm1(statistics_normal_log_lower(-x) - above_a) / expm1(statistics_normal_log_lower(-b) - above_a);
    }
    double below_b = statistics_normal_log_lower(b), below_a = statistics_normal_log_lower(a) - below_b;
    return (exp(statistics_normal_log_lower(x) - below_b) - exp(below_a)) / -expm1(below_a);
}

/* log(x!) less Stirling's formula, log(sqrt(2 pi x) (x/e)^x); x > 0. */
static double stirling_error(double x) {
    if (x < 16)
        return log(tgamma(x + 1)) - (x + 0.5) * log(x) + x - 0.5 * log_2pi;
    double y = 1 / (x * x);
    return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188))))) / x;
}

/* x^a e^-x / a!, from how far x is from a: no large terms cancel (after C. Loader, 2000, "Fast and accurate computation of
 * binomial probabilities"). */
static double gamma_front(double a, double x) {
    double far = (x - a) / a, divergence = far - (fabs(far) < 0.5 ? log1p(far) : log(x / a));
    return exp(-a * divergence - stirling_error(a)) / sqrt(2 * pi * a);
}

/* The power series (Abramowitz & Stegun, 6.5.29), for x < a + 1. */
static double gamma_series(double a, double x) {
    double sum = 1, term = 1;
    for (double k = 1; term > sum * DBL_EPSILON / 8; k++)
        sum += term *= x / (a + k);
    return sum * gamma_front(a, x);
}

/* Legendre's continued fraction (Abramowitz & Stegun, 6.5.31, contracted), for x >= a + 1, by Lentz's method. */
static double gamma_fraction(double a, double x) {
    double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, value = d, change = 0;
    for (double k = 1; fabs(change - 1) > DBL_EPSILON; k++) {
        double numerator = k * (a - k);
        b += 2;
        d = 1 / (numerator * d + b);
        c = b + numerator / c;
        change = c * d;
        value *= change;
    }
    return value * a * gamma_front(a, x);
}

double statistics_gamma_lower(double a, double x) {
    if (!(x > 0))
        return 0;
    return x < a + 1 ? gamma_series(a, x) : 1 - statistics_gamma_upper(a, x);
}

double statistics_gamma_upper(double a, double x) {
    if (!(x > 0))
        return 1;
    if (isinf(x))
        return 0;
    return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

double statistics_poisson_upper(double mean, double k) {
    return k > 0 ? statistics_gamma_lower(k, mean) : 1;
}

/* From one above the mean on the tail is at most Poisson's (Hoeffding, Annals of Math. Statistics 27, 1956); Markov's bound
 * holds everywhere. */
double statistics_hits_upper(double mean, double k) {
    return k >= mean + 1 ? statistics_poisson_upper(mean, k) : k > mean ? mean / k : 1;
}

/* Terms from k on, each from the one before. */
double statistics_coins_upper(double n, double k) {
    if (k >= n)
        return k > n ? 0 : exp2(-n);
    double lean = (2 * k - n) / n; /* n times the divergence of k/n from a half is this in log1p */
    double divergence = 0.5 * n * ((1 + lean) * log1p(lean) + (1 - lean) * log1p(-lean));
    double term = exp(stirling_error(n) - stirling_error(k) - stirling_error(n - k) - divergence) *
                  sqrt(n / (2 * pi * k * (n - k)));
    double sum = 0;
    for (; k <= n && term > sum * DBL_EPSILON / 8; k++) {
        sum += term;
        term *= (n - k) / (k + 1);
    }
    return fmin(sum, 1);
}

/* Logarithm of the mean of e^(tilt y), and the mean, variance and third central moment under that weighting. */
struct cumulants {
    double logarithm, mean, variance, third;
};

static struct cumulants tilted(const double *y, const double *weight, int nodes, double tilt) {
    struct cumulants c = {0};
    double total = 0, top = tilt * y[0];
    for (int i = 1; i < nodes; i++)
        top = fmax(top, tilt * y[i]);
    for (int i = 0; i < nodes; i++) {
        double w = weight[i] * exp(tilt * y[i] - top);
        total += w;
        c.mean += w * y[i];
    }
    c.mean /= total;
    for (int i = 0; i < nodes; i++) {
        double w = weight[i] * exp(tilt * y[i] - top), far = y[i] - c.mean;
        c.variance += w / total * far * far;
        c.third += w / total * far * far * far;
    }
    c.logarithm = log(total) + top;
    return c;
}

/* r* of O. Barndorff-Nielsen (Biometrika 73, 1986), which is standard normal to an error of 1/n relative to the tail. It is
 * 0/0 at the expected mean, where Cornish and Fisher's first term serves. The tilt is found by Newton's method, kept between
 * those that were too low and too high. */
double statistics_mean_p(const double *y, const double *weight, int nodes, double n, double mean) {
    struct cumulants c = tilted(y, weight, nodes, 0);
    double z = (mean - c.mean) * sqrt(n / c.variance), skewness = c.third / pow(c.variance, 1.5) / sqrt(n);
    double tilt = 0, low = -INFINITY, high = INFINITY;
    if (fabs(z) < 0.1)
        return 2 * statistics_normal_upper(fabs(z - skewness * (z * z - 1) / 6));
    for (int i = 0; fabs(mean - c.mean) > 1e-9 * sqrt(c.variance); i++) {
        if (i == 100)
            return 0;
        *(mean > c.mean ? &low : &high) = tilt;
        tilt += (mean - c.mean) / c.variance;
        if (!(tilt > low && tilt < high))
            tilt = isinf(low) ? 2 * high - 1 : isinf(high) ? 2 * low + 1 : (low + high) / 2;
        c = tilted(y, weight, nodes, tilt);
    }
    double w = copysign(sqrt(2 * n * (tilt * mean - c.logarithm)), tilt), v = tilt * sqrt(n * c.variance);
    return 2 * statistics_normal_upper(fabs(w + log(v / w) / w));
}

/* How a Poisson process goes on for `time`: part[j] for counts from low to high, the others being lost. */
static void poisson_advance(double *part, int64_t low, int64_t high, double time) {
    enum { TERMS = 24 }; /* time <= 1: 1 / 24! is 2e-24 */
    double step[TERMS];
    step[0] = exp(-time);
    for (int k = 1; k < TERMS; k++)
        step[k] = step[k - 1] * time / k;
    for (int64_t j = high; j >= low; j--) {
        double sum = 0;
        for (int k = 0; k < TERMS && j - k >= low; k++)
            sum += step[k] * part[j - k];
        part[j] = sum;
    }
}

/* n values have D < d if and only if n (t - d) < (how many are below t) < n (t + d) for all t. That count is a Poisson process
 * of rate n, given that it ends at n. From one place where a bound passes an integer to the next, the process is followed
 * by its probabilities. Nothing cancels, for all terms are positive. Time is in units of 1 / n. */
enum { EXACT = 1000 };

static double kolmogorov_exact(int64_t n, double d) {
    double part[EXACT + 1] = {1}, width = (double)n * d, now = 0;
    int64_t low = 0, high = (int64_t)ceil(width) - 1;
    high = high < n ? high : n;
    while (now < (double)n) {
        double allow = high < n ? (double)(high + 1) - width : INFINITY, forbid = (double)low + width;
        double next = fmin(fmin(allow, forbid), (double)n);
        poisson_advance(part, low, high, next - now);
        now = next;
        if (now == (double)n)
            break;
        if (now == forbid)
            part[low++] = 0;
        if (now == allow)
            part[++high] = 0;
        if (low > high)
            return 0;
    }
    return part[n] / gamma_front((double)n, (double)n);
}

/* The limit for many values (Kolmogorov 1933; Feller 1948), by whichever series is short. */
static double kolmogorov_limit(double x) {
    double sum = 0;
    if (x < 0.2)
        return 1;
    for (int k = 1; k <= 20; k++)
        sum += x < 1 ? exp(-(2 * k - 1) * (2 * k - 1) * pi * pi / (8 * x * x)) : (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return x < 1 ? 1 - sqrt(2 * pi) / x * sum : sum;
}

/* Beyond: the bound of Dvoretzky, Kiefer and Wolfowitz with Massart's constant (Annals of Probability 18, 1990); from 1001
 * values on the limit at a shifted place (J. Vrbik, Pioneer J. of Theoretical and Applied Statistics 15, 2018). */
double statistics_kolmogorov_upper(int64_t n, double d) {
    double count = (double)n, x = sqrt(count) * d;
    if (d >= 1)
        return 0;
    if (n > EXACT)
        return kolmogorov_limit(x + 1 / (6 * sqrt(count)) + (x - 1) / (4 * count));
    if (x * x > 9)
        return 2 * exp(-2 * x * x);
    return fmin(fmax(1 - kolmogorov_exact(n, d), 0), 1);
}

/* Bits whose order as an integer is that of the double, and back. */
static uint64_t to_key(double x) {
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

/* By one byte of the keys after the other, the lowest first. Of floats the lower bytes are equal and cost one look. */
void statistics_sort(double *x, double *room, int64_t n) {
    double *from = x, *to = room;
    for (int shift = 0; shift < 64; shift += 8) {
        int64_t place[257] = {0};
        for (int64_t i = 0; i < n; i++)
            place[(to_key(from[i]) >> shift & 255) + 1]++;
        if (n == 0 || place[(to_key(from[0]) >> shift & 255) + 1] == n)
            continue;
        for (int k = 0; k < 256; k++)
            place[k + 1] += place[k];
        for (int64_t i = 0; i < n; i++)
            to[place[to_key(from[i]) >> shift & 255]++] = from[i];
        double *other = from;
        from = to;
        to = other;
    }
    if (from != x)
        memcpy(x, from, (size_t)n * sizeof *x);
}

void statistics_moments(const float *values, int64_t count, double *mean, double *variance) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    *mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++)
        squares += (values[i] - *mean) * (values[i] - *mean);
    *variance = squares / (double)count;
}
