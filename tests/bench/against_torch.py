"""An epoch of each lecture net, nninit against PyTorch's best loop: data preloaded as one tensor, permuted once, sliced.

usage: python3 tests/bench/against_torch.py BUILD [ROUNDS]   (BUILD: a release build with tests)

The two are run in turn, round after round, with 1 and 2 threads each; medians of seconds per epoch.
"""
import gzip
import os
import statistics
import subprocess
import sys
import time

DATA = "examples/data/mnist"


def torch_epoch(net, threads):
    import numpy as np
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(777)
    pixels = np.frombuffer(gzip.open(DATA + "/train-images-idx3-ubyte.gz").read()[16:], np.uint8).reshape(-1, 784)
    x = torch.from_numpy(pixels.astype(np.float32)).div_(255)
    y = torch.from_numpy(np.frombuffer(gzip.open(DATA + "/train-labels-idx1-ubyte.gz").read()[8:], np.uint8).astype(np.int64))
    widths = [784, 256, 256, 10] if net == "xavier" else [784, 512, 512, 512, 512, 10]
    layers = [m for a, b in zip(widths, widths[1:]) for m in (torch.nn.Linear(a, b), torch.nn.ReLU())][:-1]
    model = torch.nn.Sequential(*layers)
    for layer in layers[::2]:
        torch.nn.init.xavier_uniform_(layer.weight)
    adam = torch.optim.Adam(model.parameters(), lr=0.001, foreach=True)
    criterion = torch.nn.CrossEntropyLoss()

    def epoch(steps):
        order = torch.randperm(60000)
        for i in range(steps):
            rows = order[100 * i:100 * i + 100]
            adam.zero_grad(set_to_none=True)
            criterion(model(x[rows]), y[rows]).backward()
            adam.step()

    epoch(20)
    start = time.perf_counter()
    epoch(600)
    print(f"{time.perf_counter() - start:.4f}")


def seconds(command, **environment):
    env = dict(os.environ, OMP_WAIT_POLICY="passive", **environment)
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env).stdout)


def main():
    if sys.argv[1] == "--torch":
        torch_epoch(sys.argv[2], int(sys.argv[3]))
        return
    build, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for net in ("xavier", "deep"):
        times = {}
        for _ in range(rounds):
            for threads in (1, 2):
                times.setdefault(("nninit", threads), []).append(
                    seconds([build + "/tests/bench_epoch", DATA, net, str(threads)]))
                times.setdefault(("torch", threads), []).append(
                    seconds([sys.executable, __file__, "--torch", net, str(threads)]))
        best = min(statistics.median(times["torch", t]) for t in (1, 2))
        for (who, threads), values in sorted(times.items()):
            print(f"{net:6} {who:6} {threads} threads  median {statistics.median(values):.3f} s  "
                  f"({min(values):.3f} - {max(values):.3f})")
        for threads in (1, 2):
            ratio = best / statistics.median(times["nninit", threads])
            print(f"{net:6} PyTorch's best / nninit on {threads} threads: {ratio:.2f}")


main()
