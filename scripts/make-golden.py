"""Make tests/golden/*.txt with PyTorch 1.13: run with python3-torch of Debian 12, from the repository's root.

streams.txt: `profile case sha256`, where the case is what tests/golden/test_streams.c draws under that name.
"""
import hashlib
import os
import subprocess
import sys

import torch


def sha(t):
    return hashlib.sha256(t.detach().contiguous().numpy().tobytes()).hexdigest()


def seeded(f, seed=777):
    torch.manual_seed(seed)
    return f()


def state():
    return torch.get_rng_state()


def streams():
    init, out = torch.nn.init, {}
    for dtype, d in ((torch.float32, "f32"), (torch.float64, "f64")):
        for n in (1, 7, 15, 16, 17, 31, 100003):
            out[f"uniform-{d}-{n}"] = sha(seeded(lambda: torch.empty(n, dtype=dtype).uniform_(-0.3, 1.7)))
            out[f"normal-{d}-{n}"] = sha(seeded(lambda: torch.empty(n, dtype=dtype).normal_(0.25, 1.5)))
        out[f"bernoulli-{d}"] = sha(seeded(lambda: torch.empty(1000, dtype=dtype).bernoulli_(0.3)))
        out[f"bernoulli-each-{d}"] = sha(seeded(lambda: torch.bernoulli(torch.arange(1000, dtype=dtype) / 1000)))
    out["random"] = sha(seeded(lambda: torch.empty(1000, dtype=torch.int64).random_()))
    out["randint-small"] = sha(seeded(lambda: torch.randint(-5, 17, (1000,))))
    out["randint-large"] = sha(seeded(lambda: torch.randint(-5, 2**40, (1000,))))
    out["randperm-1"] = sha(seeded(lambda: torch.randperm(1)))
    out["randperm-60000"] = sha(seeded(lambda: torch.randperm(60000)))
    shapes = {"256x784": (256, 784), "3x4": (3, 4), "5x7": (5, 7), "8x3x5x5": (8, 3, 5, 5)}
    for name, shape in shapes.items():
        for seed in (777, 1):
            def one(f):
                return sha(seeded(lambda: f(torch.empty(shape)), seed))
            key = f"{name}-{seed}"
            out[f"xavier_uniform:gain=1.5-{key}"] = one(lambda w: init.xavier_uniform_(w, gain=1.5))
            out[f"xavier_normal-{key}"] = one(init.xavier_normal_)
            out[f"kaiming_uniform:nonlinearity=relu-{key}"] = one(lambda w: init.kaiming_uniform_(w, nonlinearity="relu"))
            out[f"kaiming_normal:mode=fan_out,slope=0.2-{key}"] = one(
                lambda w: init.kaiming_normal_(w, a=0.2, mode="fan_out"))
            out[f"kaiming_normal:nonlinearity=tanh-{key}"] = one(lambda w: init.kaiming_normal_(w, nonlinearity="tanh"))
            out[f"normal:mean=0.5,std=2-{key}"] = one(lambda w: init.normal_(w, 0.5, 2))
            out[f"uniform:low=-2,high=3-{key}"] = one(lambda w: init.uniform_(w, -2, 3))
            out[f"constant:value=0.3-{key}"] = one(lambda w: init.constant_(w, 0.3))
            out[f"trunc_normal-{key}"] = one(init.trunc_normal_)
            out[f"trunc_normal:std=0.02-{key}"] = one(lambda w: init.trunc_normal_(w, std=0.02))
            out[f"trunc_normal:mean=0.5,std=2,low=-1,high=3-{key}"] = one(lambda w: init.trunc_normal_(w, 0.5, 2, -1, 3))
            out[f"f64/trunc_normal:std=0.02-{key}"] = sha(
                seeded(lambda: init.trunc_normal_(torch.empty(shape, dtype=torch.float64), std=0.02), seed))
            if len(shape) == 2:
                out[f"f64/sparse:sparsity=0.3-{key}"] = sha(
                    seeded(lambda: init.sparse_(torch.empty(shape, dtype=torch.float64), 0.3), seed))
                out[f"identity-{key}"] = one(init.eye_)
                for sparsity in (0, 0.1, 0.9, 1):
                    out[f"sparse:sparsity={sparsity},std=0.5-{key}"] = one(lambda w: init.sparse_(w, sparsity, 0.5))
            else:
                out[f"dirac-{key}"] = one(init.dirac_)
                out[f"dirac:groups=2-{key}"] = one(lambda w: init.dirac_(w, 2))
    for fan_in, fan_out in ((784, 256), (7, 3), (1, 5)):
        torch.manual_seed(777)
        layer = torch.nn.Linear(fan_in, fan_out)
        out[f"linear-weight-{fan_in}x{fan_out}"] = sha(layer.weight)
        out[f"linear-bias-{fan_in}x{fan_out}"] = sha(layer.bias)
    out["state-fresh"] = sha(seeded(state))
    torch.manual_seed(777 + 2**32)
    torch.randn(3)
    out["state-cached"] = sha(state())
    torch.rand(5000)
    out["state-later"] = sha(state())
    return out


def nets():
    """The notebook's two nets in one stream: weights, with the draws of 15 epochs between them."""
    init, out = torch.nn.init, {}
    torch.manual_seed(777)
    for net, widths in (("xavier", [784, 256, 256, 10]), ("deep", [784, 512, 512, 512, 512, 10])):
        layers = [torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
        for i, layer in enumerate(layers):
            out[f"{net}-default-weight-{i}"] = sha(layer.weight)
            out[f"{net}-default-bias-{i}"] = sha(layer.bias)
        for i, layer in enumerate(layers):
            init.xavier_uniform_(layer.weight)
            out[f"{net}-weight-{i}"] = sha(layer.weight)
        for _ in range(15 * 2):  # an epoch's base seed and sampler seed
            torch.empty((), dtype=torch.int64).random_()
    return out


class Rows(torch.utils.data.Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i


def loaders():
    """Three epochs of every order: the rows of all batches, and one draw afterwards that shows what was consumed."""
    out = {}
    for n, batch in ((103, 10), (60000, 100)):
        for shuffle in (0, 1):
            for drop in (0, 1):
                for own in (0, 1):
                    torch.manual_seed(777)
                    g = torch.Generator().manual_seed(777) if own else None
                    loader = torch.utils.data.DataLoader(Rows(n), batch, shuffle=bool(shuffle), drop_last=bool(drop),
                                                         generator=g)
                    rows = torch.cat([b for _ in range(3) for b in loader])
                    after = torch.empty((), dtype=torch.int64).random_(generator=g)
                    out[f"loader-{n}-{batch}-{shuffle}-{drop}-{own}"] = sha(torch.cat([rows, after[None]]))
    return out


def main():
    if len(sys.argv) == 2:
        for make in (streams, nets, loaders) if sys.argv[1] == "avx2" else (streams, nets):
            for name, digest in make().items():
                print(sys.argv[1], name, digest)
        return
    lines = [f"# made by scripts/make-golden.py with torch {torch.__version__}, python {sys.version.split()[0]}"]
    for profile in ("avx2", "base"):
        env = dict(os.environ, ATEN_CPU_CAPABILITY="avx2" if profile == "avx2" else "default")
        text = subprocess.run([sys.executable, __file__, profile], env=env, check=True, stdout=subprocess.PIPE, text=True)
        lines += text.stdout.splitlines()
    with open("tests/golden/streams.txt", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
