"""Random fills of 4096 x 4096 floats, nninit against PyTorch on one core: the same numbers, so the same work; and the
counter-based stream on one and two threads.

usage: python3 tests/bench/fills.py BUILD [ROUNDS] [RESULT.json]   (BUILD: a release build with tests)

They take turns, round after round, each warm. Ratios are PyTorch's median over nninit's.
"""
import json
import os
import statistics
import subprocess
import sys
import time

REPEATS = 5  # in a round


def torch_fills():
    import torch
    torch.set_num_threads(1)
    x = torch.empty(4096, 4096).uniform_()
    for _ in range(REPEATS):
        start = time.perf_counter()
        x.uniform_(-0.1, 0.1)
        middle = time.perf_counter()
        x.normal_(0, 0.02)
        print(middle - start, time.perf_counter() - middle)


def seconds(command):
    """[(uniform, normal)] of one process."""
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [tuple(map(float, line.split())) for line in lines]


def measure(build, rounds=7, python=sys.executable):
    """{"uniform": {"nninit": median seconds, "nninit_min": …, "ratio": …, "philox": …, "philox_ratio": …, "philox2": …, …,
    "torch": …, "torch_min": …}, "normal": …}"""
    ours = [os.path.join(build, "tests", "bench_fills"), str(REPEATS)]
    commands = {"nninit": ours, "philox": ours + ["philox", "1"], "philox2": ours + ["philox", "2"],
                "torch": [python, os.path.abspath(__file__), "--torch"]}
    times = {who: [] for who in commands}
    for _ in range(rounds):
        for who, command in commands.items():
            times[who] += seconds(command)
    result = {}
    for i, fill in enumerate(("uniform", "normal")):
        row = {}
        for who in commands:
            values = [pair[i] for pair in times[who]]
            row[who] = statistics.median(values)
            row[who + "_min"] = min(values)
        row["ratio"] = row["torch"] / row["nninit"]
        for who in ("philox", "philox2"):
            row[who + "_ratio"] = row["torch"] / row[who]
        result[fill] = row
    return result


def main():
    if sys.argv[1] == "--torch":
        torch_fills()
        return
    result = measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 7)
    for fill, row in result.items():
        print(f"{fill:8} nninit {row['nninit'] * 1e3:7.2f} ms (min {row['nninit_min'] * 1e3:.2f})   "
              f"torch {row['torch'] * 1e3:7.2f} ms (min {row['torch_min'] * 1e3:.2f})   ratio {row['ratio']:.1f}   "
              f"philox {row['philox'] * 1e3:.2f} ms ({row['philox_ratio']:.1f}), "
              f"2 threads {row['philox2'] * 1e3:.2f} ms ({row['philox2_ratio']:.1f})")
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
