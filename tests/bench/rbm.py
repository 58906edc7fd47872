"""Epochs of a restricted Boltzmann machine on MNIST, nninit against scikit-learn's BernoulliRBM: 784 x 500 units, batch 100,
2 threads each, the same rows in the same order.

usage: python3 tests/bench/rbm.py BUILD [ROUNDS] [RESULT.json]   (BUILD: a release build with tests; needs scikit-learn)

scikit-learn has one algorithm: persistent chains, as many as the batch has rows, visible states sampled. nninit runs CD-1 with
its defaults, and the same algorithm as scikit-learn's. They take turns, round after round, an epoch of each after one that
warms it up. Ratios are scikit-learn's median over nninit's.
"""
import gzip
import json
import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(ROOT, "examples", "data", "mnist")
MACHINES = {"cd1": "bernoulli", "pcd": "bernoulli:chains=100,weight_decay=0,momentum=0,final_momentum=0"}
THREADS = "2"


def sklearn_epochs(dtype):
    import numpy
    from sklearn.neural_network import BernoulliRBM
    with gzip.open(os.path.join(DATA, "train-images-idx3-ubyte.gz")) as file:
        images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 784)
    rows = (images / 255).astype(dtype)
    machine = BernoulliRBM(n_components=500, learning_rate=0.1, batch_size=100, n_iter=1, random_state=777)
    for _ in range(2):
        start = time.perf_counter()
        machine.fit(rows)
        print(time.perf_counter() - start, flush=True)


def last_line(command):
    environment = dict(os.environ, OMP_NUM_THREADS=THREADS, OPENBLAS_NUM_THREADS=THREADS)
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout.split()[-1])


def measure(build, rounds=5):
    commands = {who: [os.path.join(build, "tests", "bench_rbm"), DATA, THREADS, "2", text] for who, text in MACHINES.items()}
    for dtype in ("float64", "float32"):
        commands["sklearn_" + dtype] = [sys.executable, os.path.abspath(__file__), "--sklearn", dtype]
    times = {who: [] for who in commands}
    for _ in range(rounds):
        for who, command in commands.items():
            times[who].append(last_line(command))
    result = {who: {"median": statistics.median(values), "min": min(values)} for who, values in times.items()}
    for who in MACHINES:
        for dtype in ("float64", "float32"):
            result[who]["ratio_" + dtype] = result["sklearn_" + dtype]["median"] / result[who]["median"]
    return result


def main():
    if sys.argv[1] == "--sklearn":
        sklearn_epochs(sys.argv[2])
        return
    result = measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
    for who, row in result.items():
        print(f"{who:16} {row['median']:7.3f} s (min {row['min']:.3f})" +
              "".join(f"   {name} {row[name]:.1f}" for name in ("ratio_float64", "ratio_float32") if name in row))
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
