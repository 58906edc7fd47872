# SPDX-License-Identifier: MIT
"""The training step against what it could be: one table, and every sample as JSON.

usage: python3 tests/bench/bench.py BUILD [--quick] [options]; run it in the source tree, BUILD being a release build

The floor of a step is the sum over its matrix products, each by the fastest BLAS library that is installed, with as
many threads; nothing else of the step is in it. All contenders of a section run in turn, round after round; a ratio is
formed in each round, and its median, least and greatest are printed. "of the least" is a ratio of the least times of
all rounds. Where one thread is held against the floor, both are timed by their thread's CPU time, which other
processes disturb less; all else by the clock.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile

import fills
from contenders import (answer, answer_lines, blas_libraries, busy_process, describe_machine, torch_installations,
                        unpack_data)

NETS = {"3-layer": [784, 256, 256, 10], "5-layer": [784, 512, 512, 512, 512, 10]}
IMAGES, BATCH = 60000, 100
GRID_BATCHES, GRID_WIDTHS = [1, 10, 32, 100, 1000], [64, 128, 256, 512, 1024]


def parameters(widths):
    return sum((inputs + 1) * outputs for inputs, outputs in zip(widths, widths[1:]))


def flops(batch, widths):
    """Of the products: three a layer, but no gradient of the images."""
    weights = sum(inputs * outputs for inputs, outputs in zip(widths, widths[1:]))
    return 2 * batch * (3 * weights - widths[0] * widths[1])


def update_bytes(widths):
    """Weight and both moments are read and written."""
    return 24 * parameters(widths)


def step_times(runs, clock, epoch=0):
    """Seconds of a step, {"median": …, "least": …, "most": …}, for each run of bench_step."""
    return [run["epochs"][epoch][clock] for run in runs]


def medians(times):
    return [time["median"] for time in times]


def interleave(contenders, rounds):
    results = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            results[name].append(run())
    return results


def quotients(above, below):
    return [a / b for a, b in zip(above, below)]


def level_of(run):
    """The instruction set in "cpu (avx512, 1 thread)"."""
    return run["backend"].split("(")[-1].split(",")[0]


class Bench:
    def __init__(self, options, folder):
        self.build, self.quick, self.folder = options.build, options.quick, folder
        self.rounds = options.rounds or (1 if options.quick else 5)
        self.plain, self.compressed = unpack_data(folder)
        libraries = blas_libraries(self.build, options.blas)
        self.blas = [library for library in libraries if not library.absent]
        self.torches = torch_installations(options.venv)
        self.machine = describe_machine(self.build)
        self.rows, self.floors, self.samples = [], [], {}
        self.absent = [f"{x.name}: {x.absent}" for x in libraries + self.torches if x.absent]
        if not options.venv:
            self.absent.append("newest PyTorch: no --venv")
        if not self.blas:
            sys.exit("bench.py: no BLAS library, hence no floor; docs/performance.md names the packages")

    # Contenders

    def step(self, threads, widths, epochs=1, batch=BATCH, rows=IMAGES, activation="relu", data=None, **environment):
        command = [self.build + "/tests/bench_step", data or self.plain, str(threads), activation,
                   *map(str, [epochs, rows, batch, *widths])]
        return lambda: answer(command, **environment)

    def floor(self, threads, batch, widths):
        """One call a product, on the library's threads; with two, also halves by hand."""
        seconds = 0.1 if self.quick else 0.4
        cases = [("alone", 1)] if threads == 1 else [("whole", 2), ("rows", 1), ("columns", 1)]
        return {("floor", threads, blas.name, mode):
                lambda blas=blas, mode=mode, own=own: blas.products(self.build, mode, own, seconds, batch, widths)
                for blas in self.blas for mode, own in cases}

    def round_trip(self):
        return answer([self.build + "/tests/bench_machine", "trip"])["round_trip"]

    # Results

    def floor_times(self, what, results, threads):
        """Seconds of the floor in each round, the least of all rounds; the winners are kept."""
        runs = {key: rounds for key, rounds in results.items() if key[0] == "floor" and key[1] == threads}
        products = range(len(next(iter(runs.values()))[0]))
        times = [sum(min(rounds[r][i]["median"] for rounds in runs.values()) for i in products)
                 for r in range(self.rounds)]
        least = 0
        for i in products:
            least += min(p[i]["least"] for rounds in runs.values() for p in rounds)
            typical = {key: statistics.median(p[i]["median"] for p in rounds) for key, rounds in runs.items()}
            key = min(typical, key=typical.get)
            p = runs[key][0][i]
            self.floors.append({"of": what, "threads": threads, "product": p["name"], "library": key[2], "mode": key[3],
                                "seconds": typical[key], "rate": 2 * p["m"] * p["n"] * p["k"] / typical[key]})
        return times, least

    def add(self, what, values, form="{:.2f}", least=None, note="", cell=None):
        self.rows.append({"what": what, "values": values, "median": statistics.median(values), "form": form,
                          "least": least, "note": note, "cell": cell})
        print(f"  {what}: {form.format(statistics.median(values))} {note}", file=sys.stderr, flush=True)

    def add_against_floor(self, what, times, floor, **row):
        self.add(what + " / floor", quotients(medians(times), floor[0]), **row,
                 least=min(time["least"] for time in times) / floor[1])

    def keep(self, section, results):
        self.samples[section] = {" ".join(map(str, k)) if isinstance(k, tuple) else k: v for k, v in results.items()}


def measure_net(bench, name, widths):
    epochs = 2 if bench.quick else 5
    contenders = {"round trip": bench.round_trip}
    for threads in (1, 2):
        contenders.update(bench.floor(threads, BATCH, widths))
        contenders["dense", threads] = bench.step(threads, widths, NNINIT_CPU_LISTS="never")
        contenders["step", threads] = bench.step(threads, widths, epochs)
    results = interleave(contenders, bench.rounds)
    bench.keep(name, results)
    if len({run["weights"] for threads in (1, 2) for run in results["step", threads]}) != 1:
        sys.exit("bench.py: the weights depend on the number of threads; no time of theirs means anything")
    trip = f"round trip {min(results['round trip']) * 1e9:.0f}-{max(results['round trip']) * 1e9:.0f} ns"
    level = level_of(results["step", 1][0])
    for threads in (1, 2):
        label, note = f"{name}, {threads} thread{'s'[:threads - 1]}", trip if threads == 2 else ""
        clock = "cpu" if threads == 1 else "step"
        floor = bench.floor_times(name, results, threads)
        dense = step_times(results["dense", threads], clock)
        peak = bench.machine["peak"].get(level, [0, 0])[threads - 1]
        bench.add(f"{label}: floor, ms", [1e3 * t for t in floor[0]], "{:.3f}", 1e3 * floor[1], note)
        if peak:
            for what, times in (("floor", floor[0]), ("dense step", medians(dense))):
                bench.add(f"{label}: FLOP of the products / time of the {what} / {level} peak",
                          [flops(BATCH, widths) / t / peak for t in times], note=f"peak {peak / 1e9:.0f} GFLOP/s")
        bench.add_against_floor(f"{label}: dense step", dense, floor, note=note)
        for epoch in sorted({0, epochs - 1}):
            times = step_times(results["step", threads], clock, epoch)
            bench.add_against_floor(f"{label}: step, epoch {epoch + 1}", times, floor, note=note)
    for what, key, epoch in (("dense", "dense", 0), ("epoch 1", "step", 0), (f"epoch {epochs}", "step", epochs - 1)):
        one, two = (medians(step_times(results[key, threads], "step", epoch)) for threads in (1, 2))
        bench.add(f"{name}: 2 threads over 1, {what}, times as fast", quotients(one, two), note=trip)
    bench.add(f"{name}: peak memory, MB", [run["peak_kilobytes"] * 1024e-6 for run in results["step", 1]], "{:.0f}")


def measure_nets(bench):
    for name, widths in NETS.items():
        measure_net(bench, name, widths)


def measure_case(bench, what, widths, batch=BATCH, activation="relu", cell=None):
    """One thread, as many steps as fit in about half a second: the first ones, with fewer zeros than later."""
    expected = flops(batch, widths) / 6e10 + update_bytes(widths) / 1.5e10
    steps = max(10, min(6000, int((0.2 if bench.quick else 0.6) / expected)))
    contenders = bench.floor(1, batch, widths)
    contenders["step"] = bench.step(1, widths, 1, batch, min(IMAGES, steps * batch), activation)
    results = interleave(contenders, bench.rounds)
    bench.keep(what, results)
    times, note = step_times(results["step"], "cpu"), ""
    if batch <= 10: # the update's traffic decides
        rate = update_bytes(widths) / statistics.median(medians(times))
        note = f"update {update_bytes(widths) * 1e-6:.1f} MB, {rate * 1e-9:.1f} GB/s"
    bench.add_against_floor(what, times, bench.floor_times(what, results, 1), note=note, cell=cell)


def measure_grid(bench):
    for batch in GRID_BATCHES:
        for width in GRID_WIDTHS:
            measure_case(bench, f"784-{width}-{width}-10, batch {batch}", [784, width, width, 10], batch,
                         cell=[batch, width])


def measure_others(bench):
    for activation in ("tanh", "sigmoid"):
        measure_case(bench, f"784-512-512-10, {activation}", [784, 512, 512, 10], activation=activation)
    for width in (2048, 4096):
        measure_case(bench, f"784-{width}-{width}-10", [784, width, width, 10])


def measure_torch(bench):
    torches = [torch for torch in bench.torches if not torch.absent]
    steps = 60 if bench.quick else 200
    for name, widths in NETS.items():
        contenders = {"round trip": bench.round_trip}
        for threads in (1, 2):
            contenders["nninit", threads] = bench.step(threads, widths)
            for torch in torches:
                for loop in (torch.adam, "notebook"):
                    contenders[torch.name, loop, threads] = lambda torch=torch, loop=loop, threads=threads: torch.epoch(
                        bench.folder, loop, threads, steps, BATCH, widths)
        results = interleave(contenders, bench.rounds)
        bench.keep("PyTorch " + name, results)
        for torch in torches:
            for loop in (torch.adam, "notebook"):
                add_torch_rows(bench, results, name, torch, loop, steps)


def add_torch_rows(bench, results, name, torch, loop, steps):
    """An epoch's wall time, the order of its rows included, by PyTorch's better number of threads."""
    walls = {threads: [run["wall"] for run in results[torch.name, loop, threads]] for threads in (1, 2)}
    best = min(walls, key=lambda threads: statistics.median(walls[threads]))
    scale = IMAGES // BATCH / steps
    version = results[torch.name, loop, best][0]["version"]
    note = f"PyTorch {version}, {loop}, on {best}: {statistics.median(walls[best]) * scale:.2f} s an epoch"
    for threads in (1, 2):
        own = [run["epochs"][0]["wall"] for run in results["nninit", threads]]
        bench.add(f"{name}: {torch.name}, {'notebook' if loop == 'notebook' else 'best loop'} / nninit on {threads}",
                  quotients([wall * scale for wall in walls[best]], own), note=note)
    if loop != "notebook":
        theirs = results[torch.name, loop, best]
        bench.add(f"{name}: {torch.name}, median step / nninit's on 1",
                  quotients(medians(run["step"] for run in theirs), medians(step_times(results["nninit", 1], "step"))))
        bench.add(f"{name}: {torch.name}, first step after, s", [run["first"] - run["started"] for run in theirs])


def measure_first(bench):
    for name, widths in NETS.items():
        contenders = {kind: bench.step(0, widths, rows=BATCH, data=data)
                      for kind, data in (("uncompressed", bench.plain), (".gz", bench.compressed))}
        results = interleave(contenders, 2 * bench.rounds)
        bench.keep("first step " + name, results)
        for kind, runs in results.items():
            after = [1e3 * (run["first"] - run["started"]) for run in runs]
            bench.add(f"{name}: first step from {kind} data, ms after the process was started", after, "{:.0f}")


def measure_kernels(bench):
    """Products alone, through the executor, one thread; those of the nets' large shapes."""
    command = [bench.build + "/tests/ops_kernels", "bench"]
    lines = [line for _ in range(bench.rounds) for line in answer_lines(command, CK_FORK="no")]
    bench.keep("kernels", {"": lines})
    for level, product in dict.fromkeys((line["level"], line["product"]) for line in lines):
        large = [line for line in lines if (line["level"], line["product"]) == (level, product) and line["outputs"] > 10]
        peak = bench.machine["peak"].get(level, [0])[0]
        if peak:
            bench.add(f"{product} alone, dense / {level} peak", [1e9 * line["dense"] / peak for line in large],
                      note=f"peak {peak / 1e9:.0f} GFLOP/s")


def measure_fills(bench):
    """4096 x 4096 floats, one thread, PyTorch's numbers."""
    for torch in bench.torches:
        if not torch.absent:
            for fill, row in fills.measure(bench.build, bench.rounds, torch.python).items():
                bench.keep(f"{fill} {torch.name}", row)
                bench.add(f"{fill} fill: {torch.name} / nninit", [row["ratio"]],
                          least=row["torch_min"] / row["nninit_min"], note=f"{1e3 * row['nninit']:.1f} ms")
                for threads, who in ((1, "philox"), (2, "philox2")):
                    bench.add(f"{fill} fill by counter, {threads} thread{'s' * (threads > 1)}: {torch.name} / nninit",
                              [row[who + "_ratio"]], least=row["torch_min"] / row[who + "_min"], note=f"{1e3 * row[who]:.1f} ms")


def measure_busy(bench):
    def beside(run, cpu=None):
        def measured():
            with busy_process(cpu):
                return run()
        return measured

    widths, first_cpu = NETS["3-layer"], min(os.sched_getaffinity(0))
    runs = {threads: bench.step(threads, widths) for threads in (1, 2)}
    contenders = {("quiet", 1): runs[1], ("quiet", 2): runs[2]}
    for threads in (1, 2):
        contenders["beside a busy process", threads] = beside(runs[threads])
        contenders["beside a busy process bound to a CPU", threads] = beside(runs[threads], first_cpu)
    results = interleave(contenders, bench.rounds)
    bench.keep("busy", results)
    alone = [run["epochs"][0]["wall"] for run in results["quiet", 1]]
    for (how, threads), values in results.items():
        if (how, threads) != ("quiet", 1):
            bench.add(f"3-layer: epoch {how}, on {threads} / quiet on 1",
                      quotients([run["epochs"][0]["wall"] for run in values], alone))


SECTIONS = {"nets": measure_nets, "grid": measure_grid, "others": measure_others, "torch": measure_torch,
            "first": measure_first, "busy": measure_busy, "kernels": measure_kernels, "fills": measure_fills}


def print_machine(bench):
    machine = bench.machine
    print(f"{machine['model']}, {machine['cpus']} CPUs, {machine['date']}, commit {machine['commit']}, load "
          f"{machine['load'][0]:.1f} to {os.getloadavg()[0]:.1f}, rounds: {bench.rounds}")
    print("FMA peak, GFLOP/s: " + ", ".join(f"{level} {one / 1e9:.0f}, on two threads {two / 1e9:.0f}"
                                           for level, (one, two) in machine["peak"].items()))
    print("read-modify-write, GB/s: " + ", ".join(f"{size} MiB {rate / 1e9:.0f}"
                                                  for size, rate in machine["update"].items()))
    for line in bench.absent:
        print(f"left out: {line}")


def print_rows(rows):
    print("\n| what | median | least - most | of the least | |\n|---|---|---|---|---|")
    for row in rows:
        form, least = row["form"].format, row["least"]
        print(f"| {row['what']} | {form(row['median'])} | {form(min(row['values']))} - {form(max(row['values']))} | "
              f"{form(least) if least else ''} | {row['note']} |")


def print_grid(rows):
    print("\nStep of 784-w-w-10 / floor, one thread: median (least - most)\n")
    print("| batch | " + " | ".join(f"w {width}" for width in GRID_WIDTHS) + " |\n|---|" + "---|" * len(GRID_WIDTHS))
    for batch in GRID_BATCHES:
        line = [row for row in rows if row["cell"][0] == batch]
        print(f"| {batch} | " + " | ".join(f"{row['median']:.2f} ({min(row['values']):.2f} - {max(row['values']):.2f}) "
                                          f"{row['note']}" for row in line) + " |")


def print_floors(bench):
    if any(f["of"] in NETS for f in bench.floors):
        print("\n| floor of | threads | the fastest library for each product, GFLOP/s |\n|---|---|---|")
    for of, threads in dict.fromkeys((f["of"], f["threads"]) for f in bench.floors if f["of"] in NETS):
        winners = [f for f in bench.floors if (f["of"], f["threads"]) == (of, threads)]
        print(f"| {of} | {threads} | " + "; ".join(
            f"{f['product']} {f['library']}{'' if threads == 1 else ' ' + f['mode']} {f['rate'] / 1e9:.0f}"
            for f in winners) + " |")


def save(bench, path):
    with open(path, "w") as file:
        json.dump({"machine": bench.machine, "absent": bench.absent, "rows": bench.rows, "floors": bench.floors,
                   "samples": bench.samples}, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything work?")
    parser.add_argument("--venv", help="a virtual environment with torch and torchvision, the newest")
    parser.add_argument("--blas", action="append", default=[], help="one more library for the floor; may be repeated")
    parser.add_argument("--rounds", type=int, help="default: 5")
    parser.add_argument("--only", default=",".join(SECTIONS), help="some of " + ",".join(SECTIONS))
    parser.add_argument("--json", help="default: BUILD/bench.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        for section in options.only.split(","):
            SECTIONS[section](bench)
            save(bench, options.json or options.build + "/bench.json")
    print_machine(bench)
    print_rows([row for row in bench.rows if not row["cell"]])
    if any(row["cell"] for row in bench.rows):
        print_grid([row for row in bench.rows if row["cell"]])
    print_floors(bench)


main()
