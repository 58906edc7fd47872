"""Make tests/golden/statistics.txt with SciPy 1.17.1 and mpmath 1.4.1 (60 digits): run from the repository's root.

A line is a function, its arguments and its value. The normal and gamma distributions come from mpmath, so that 1e-12 can be
asked for: SciPy's gammaincc(1e7, .) is 2e-2 off in a lower tail of 5e-8. Of Kolmogorov
and Smirnov's D, kstwo is exact to 140 values, and beyond where x >= 2;
for the others up to 1000 values SciPy's exact function is called by its name.
"""
import mpmath as mp
from scipy import special, stats
from scipy.stats._ksstats import _kolmogn_DMTW as durbin

mp.mp.dps = 60


def normal(x):
    return mp.erfc(-mp.mpf(x) / mp.sqrt(2)) / 2


def cut(a, x, b):
    def mass(low, high):
        return normal(-low) - normal(-high) if low > 0 else normal(high) - normal(low)
    mp.mp.dps = 1000  # tails cancel
    value = mass(mp.mpf(a), mp.mpf(x)) / mass(mp.mpf(a), mp.mpf(b))
    mp.mp.dps = 60
    return value


def gamma_upper(a, x):
    if a < 1e4:
        return mp.gammainc(a, x, mp.inf, regularized=True)
    def log_density(t):
        return (a - 1) * mp.log(t) - t - mp.loggamma(a)
    sigma, top = mp.sqrt(a), log_density(mp.mpf(x))
    steps = [k * mp.mpf(1) / 4 for k in range(20)] + list(range(5, 51))
    return mp.exp(top) * mp.quad(lambda t: mp.exp(log_density(t) - top), [x + k * sigma for k in steps])


def lines():
    for x in (-300, -37.5, -30.5, -30, -29.5, -10, -5.3, -2, -1, -1e-3, 0, 1e-9, 0.5, 2, 5.3, 8, 9.5):
        yield "log_lower", (x,), mp.log(normal(x))
        if x > -38:
            yield "lower", (x,), normal(x)
            yield "upper", (-x,), normal(x)
    for a, b in ((-2, 2), (-1, 3), (5, 6), (-6, -5), (30, 40), (-40, -29.5), (0.25, 0.25001), (-8, 40), (0, 1)):
        for part in (0, 1e-6, 0.01, 0.3, 0.75, 0.999, 1):
            yield "cut", (a, a + part * (b - a), b), cut(a, a + part * (b - a), b)
    for a in (0.03, 0.5, 1, 3.5, 15.5, 16, 100, 1234.5, 1e5, 1e7):
        for z in (-8, -5.3, -2, -0.3, 0, 0.3, 2, 5.3, 8, 20):
            x = a + z * a**0.5
            if x > 0:
                yield "gamma_upper", (a, x), gamma_upper(a, x)
                if z <= 0:
                    yield "gamma_lower", (a, x), 1 - gamma_upper(a, x)
    for n, k in ((1, 1), (2, 1), (25, 25), (40, 20), (40, 30), (101, 51), (1000, 600), (10**6, 502650), (2**24, 8399600)):
        exact = n <= 1000 and mp.fsum(mp.binomial(n, i) for i in range(k, n + 1)) / mp.mpf(2)**n
        yield "coins", (n, k), exact or stats.binom.sf(k - 1, n, 0.5)
    for mean, k in ((0.125, 1), (0.125, 5), (3, 3), (3, 20), (1e-7, 2), (6e6, 6013000)):
        yield "poisson", (mean, k), 1 - gamma_upper(k, mean)
    for n in (1, 2, 3, 8, 10, 17, 50, 128, 140, 500, 999, 1000, 1001, 5000, 100000):
        for x in (0.3, 0.5, 0.7, 0.87, 1, 1.2, 1.5, 2, 2.5, 2.9, 3.3):
            if 0.5 / n < x / n**0.5 < 1:
                d = x / n**0.5
                yield "kolmogorov", (n, d), durbin(n, d, False) if 140 < n <= 1000 and x < 2 else stats.kstwo.sf(d, n)
    for x in (0.2, 0.4, 0.99, 1, 1.5, 3):
        yield "kolmogorov_limit", (x,), special.kolmogorov(x)


with open("tests/golden/statistics.txt", "w") as file:
    for name, arguments, value in lines():
        value = value if isinstance(value, mp.mpf) else mp.mpf(float(value))
        print(name, *(repr(float(a)) for a in arguments), mp.nstr(value, 17), file=file)
