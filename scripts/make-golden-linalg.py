"""Make tests/golden/linalg.txt: `kind name rows cols value...`, from the repository's root with python3-torch and
python3-numpy of Debian 12 (torch 1.13).

values: numpy.linalg.svd, q: numpy.linalg.qr with a positive diagonal of R; of the matrices of tests/golden/test_linalg.c.
float32, float64: every STRIDE-th value of torch.nn.init.orthogonal_ with gain 1.5 and seed 777; the name is STRIDE.
"""
import sys

import numpy as np
import torch


def pattern(rows, cols):
    i, j = np.indices((rows, cols))
    return ((i * 37 + j * 101 + i * j * 7) % 64 - 31.5) / 8


def hilbert(rows, cols):
    i, j = np.indices((rows, cols))
    return 1 / (i + j + 1)


def main():
    lines = [f"# made by scripts/make-golden-linalg.py with numpy {np.__version__}, torch {torch.__version__}, "
             f"python {sys.version.split()[0]}"]

    def add(kind, name, shape, values):
        lines.append(" ".join([kind, str(name), *map(str, shape), *(float(v).hex() for v in np.asarray(values).ravel())]))

    for name, make, shape in (("pattern", pattern, (40, 25)), ("pattern", pattern, (25, 40)), ("pattern", pattern, (33, 33)),
                              ("hilbert", hilbert, (10, 10)), ("hilbert", hilbert, (20, 8))):
        add("values", name, shape, np.linalg.svd(make(*shape), compute_uv=False))
    for name, make, shape in (("pattern", pattern, (12, 8)), ("pattern", pattern, (9, 9)), ("hilbert", hilbert, (6, 4))):
        q, r = np.linalg.qr(make(*shape))
        add("q", name, shape, q * np.sign(np.diag(r)))
    for dtype in (torch.float32, torch.float64):
        for shape, stride in (((3, 4), 1), ((16, 16), 1), ((20, 7), 1), ((7, 20), 1), ((4, 3, 3, 3), 1), ((1, 20), 1),
                              ((20, 1), 1), ((128, 128), 101), ((256, 784), 1009), ((784, 256), 1009)):
            torch.manual_seed(777)
            w = torch.nn.init.orthogonal_(torch.empty(shape, dtype=dtype), gain=1.5)
            add(str(dtype).split(".")[1], stride, w.flatten(1).shape, w.flatten()[::stride].double())
    with open("tests/golden/linalg.txt", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
