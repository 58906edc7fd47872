"""Make tests/golden/truncated.txt with mpmath, 60 digits: run from the repository's root.

`moments MEAN STD LOW HIGH mean std`, and `inverse MEAN STD LOW HIGH u x`: a normal cut to an interval, its mean and
standard deviation, and the x below which a part u of it lies.
"""
import mpmath as mp

mp.mp.dps = 60
CASES = [(0, 1, -2, 2), (0.5, 2, -1, 3), (0, 0.02, -2, 2), (0, 1, 5, 6), (0, 1, -1000, -999), (0, 1, 30, 40),
         (0, 1, -3, 12), (10, 1, -2, 2), (0, 1, 0.25, 0.250001), (0, 100, -1, 1), (-3, 0.5, 2, 7), (0, 1, -40, -29.5)]
PARTS = [2.0**-53, 1e-12, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-12]


def tail(x):
    """The part of a standard normal above x."""
    return mp.erfc(x / mp.sqrt(2)) / 2


def density(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def standard(case):
    mean, std, low, high = map(mp.mpf, case)
    return (low - mean) / std, (high - mean) / std


def moments(case):
    a, b = standard(case)
    if b <= 0:
        m, s = moments((-case[0], case[1], -case[3], -case[2]))
        return -m, s
    z = tail(a) - tail(b)
    m = (density(a) - density(b)) / z
    v = 1 + (a * density(a) - b * density(b)) / z - m * m
    return mp.mpf(case[0]) + mp.mpf(case[1]) * m, mp.mpf(case[1]) * mp.sqrt(v)


def inverse(case, u):
    a, b = standard(case)
    if b <= 0:  # the mirror image, whose tails are small numbers
        return -inverse((-case[0], case[1], -case[3], -case[2]), 1 - mp.mpf(u))
    low, high, wanted = a, b, mp.mpf(u) * (tail(a) - tail(b))
    for _ in range(200):
        x = (low + high) / 2
        if tail(a) - tail(x) < wanted:
            low = x
        else:
            high = x
    return mp.mpf(case[0]) + mp.mpf(case[1]) * low


def main():
    lines = [f"# made by scripts/make-golden-truncated.py with mpmath {mp.__version__}"]
    for case in CASES:
        case = tuple(map(float, case))
        text = " ".join(map(repr, case))
        m, s = moments(case)
        lines.append(f"moments {text} {mp.nstr(m, 17)} {mp.nstr(s, 17)}")
        for u in PARTS:
            lines.append(f"inverse {text} {u!r} {mp.nstr(inverse(case, u), 17)}")
    with open("tests/golden/truncated.txt", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
