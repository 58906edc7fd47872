"""Make tests/golden/training.txt with PyTorch 1.13: run with python3-torch of Debian 12, from the repository's root.

For both nets of the lecture, seed 777: the first 5 losses; the gradients of the first batch at the initial weights, as
norm, largest magnitude and up to 1000 values of each tensor; and apart from them one update of Adam and SGD from given
p, g, m, v. Numbers are written so that they read back exactly.
"""
import gzip
import sys

import numpy as np
import torch

DATA = "examples/data/mnist/"


def read(name, header):
    return np.frombuffer(gzip.open(DATA + name).read()[header:], np.uint8)


class Mnist(torch.utils.data.Dataset):
    def __init__(self):
        self.x = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 784)
        self.y = read("train-labels-idx1-ubyte.gz", 8)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i].astype(np.float32)).div(255), int(self.y[i])


def write(out, key, values):
    out.write(key + " " + " ".join(float(v).hex() for v in values) + "\n")


def train(out, name, widths):
    layers = [torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
    for layer in layers:
        torch.nn.init.xavier_uniform_(layer.weight)
    modules = [m for layer in layers for m in (layer, torch.nn.ReLU())][:-1]
    model = torch.nn.Sequential(*modules)
    adam = torch.optim.Adam(model.parameters(), lr=0.001)
    loader = torch.utils.data.DataLoader(Mnist(), 100, shuffle=True, drop_last=True)
    losses = []
    for step, (x, y) in enumerate(loader):
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            for key, p in model.named_parameters():
                g = p.grad.flatten()
                stride = max(1, len(g) // 1000)
                write(out, f"{name} {key} {stride}", [g.double().norm(), g.abs().max(), *g[::stride][:1000]])
        if step == 4:
            break
        adam.step()
    write(out, f"{name} losses 0", losses)


def update(out, kind, steps, **options):
    """One step of an optimizer whose state is given: p, g, m, v drawn in this order from seed 777 + steps."""
    torch.manual_seed(777 + steps)
    p, g, m, v = (torch.empty(1000).normal_(0, s) for s in (0.05, 0.01, 0.01, 0.01))
    v = v.abs()
    w = torch.nn.Parameter(p.clone())
    w.grad = g.clone()
    if kind == "sgd":
        o = torch.optim.SGD([w], **options)
        if steps:
            o.state[w]["momentum_buffer"] = m
    else:
        o = (torch.optim.Adam if kind == "adam" else torch.optim.AdamW)([w], **options)
        o.state[w] = {"step": torch.tensor(float(steps)), "exp_avg": m, "exp_avg_sq": v}
    o.step()
    text = ",".join(f"{k}={int(x) if isinstance(x, bool) else x}" for k, x in options.items() if k != "betas")
    write(out, f"update {kind}:{text} {steps}", w.detach())
    write(out, f"m {kind}:{text} {steps}", o.state[w]["momentum_buffer"] if kind == "sgd" else m)
    write(out, f"v {kind}:{text} {steps}", v)


def main():
    with open("tests/golden/training.txt", "w") as out:
        out.write(f"# made by scripts/make-golden-training.py with torch {torch.__version__}, "
                  f"python {sys.version.split()[0]}\n")
        for name, widths in (("xavier", [784, 256, 256, 10]), ("deep", [784, 512, 512, 512, 512, 10])):
            torch.manual_seed(777)
            train(out, name, widths)
        update(out, "adam", 0, lr=0.001)
        update(out, "adam", 9, lr=0.001)
        update(out, "adam", 9, lr=0.01, weight_decay=0.1)
        update(out, "adamw", 9, lr=0.01, weight_decay=0.1)
        update(out, "sgd", 1, lr=0.1, momentum=0.9)
        update(out, "sgd", 1, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)


main()
