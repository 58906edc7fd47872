# SPDX-License-Identifier: MIT
"""How the contenders of bench.py are run: each time as a process of its own, which answers in JSON."""
import contextlib
import glob
import gzip
import json
import os
import platform
import shutil
import subprocess
import sys
import time

DATA = "examples/data/mnist"
FILES = [part + kind for part in ("train-", "t10k-") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
TORCH_LOOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_loop.py")


def output(command, **environment):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, **environment))
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise RuntimeError(f"{os.path.basename(command[0])}: {lines[-1] if lines else done.returncode}")
    return done.stdout


def answer(command, **environment):
    """The JSON that a command prints, with the moment at which it was started."""
    started = time.monotonic()
    result = json.loads(output(command, **environment))
    if isinstance(result, dict):
        result["started"] = started
    return result


def answer_lines(command, **environment):
    """The lines of JSON among those that a command prints."""
    return [json.loads(line) for line in output(command, **environment).splitlines() if line.startswith("{")]


def unpack_data(folder):
    """The committed MNIST as plain files, where torchvision looks for them, and all of it compressed."""
    plain, compressed = folder + "/MNIST/raw", folder + "/gz"
    os.makedirs(plain)
    os.makedirs(compressed)
    for name in FILES:
        path = f"{DATA}/{name}"
        with (gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")) as source:
            with open(f"{plain}/{name}", "wb") as target:
                shutil.copyfileobj(source, target)
        with open(f"{plain}/{name}", "rb") as source, gzip.open(f"{compressed}/{name}.gz", "wb") as target:
            shutil.copyfileobj(source, target)
    return plain, compressed


class Blas:
    """One library, or one choice of its kernels."""

    def __init__(self, name, pattern, **environment):
        found = sorted(glob.glob(pattern))
        self.name, self.path, self.environment = name, found[-1] if found else None, environment
        self.absent = None if found else f"no {pattern}"
        if found: # beside which its own parts may lie
            self.environment["LD_LIBRARY_PATH"] = os.path.dirname(self.path)

    def products(self, build, mode, threads, seconds, batch, widths):
        count = str(threads)
        return answer([f"{build}/tests/bench_floor", self.path, mode, str(seconds), str(batch), *map(str, widths)],
                      OPENBLAS_NUM_THREADS=count, BLIS_NUM_THREADS=count, MKL_NUM_THREADS=count, OMP_NUM_THREADS=count,
                      **self.environment)

    def probe(self, build):
        try:
            self.products(build, "alone", 1, 0, 8, [16, 16])
        except RuntimeError as reason:
            self.absent = str(reason)


def blas_libraries(build, others):
    """OpenBLAS is the build with threads even where one thread calls it: the serial one must not be called by two."""
    openblas = "/usr/lib/*/openblas-pthread/libopenblas.so.0"
    libraries = [Blas("OpenBLAS", openblas), Blas("BLIS", "/usr/lib/*/blis-pthread/libblis.so.4"),
                 Blas("oneDNN", "/usr/lib/*/libdnnl.so.[0-9]")]
    if platform.machine() == "x86_64": # its choice is not always its fastest
        libraries.append(Blas("OpenBLAS Haswell", openblas, OPENBLAS_CORETYPE="Haswell"))
    libraries += [Blas(os.path.basename(path).split(".")[0], path) for path in others]
    for library in libraries:
        if not library.absent:
            library.probe(build)
    return libraries


class Torch:
    """One installation of PyTorch. Threads that sleep when they wait: spinning ones are several times slower here."""

    def __init__(self, name, python, adam, **environment):
        self.name, self.python, self.adam, self.environment = name, python, adam, environment
        self.absent = None
        try:
            answer([python, "-c", "import torch, torchvision; print(0)"])
        except (RuntimeError, OSError) as reason:
            self.absent = str(reason)

    def epoch(self, folder, loop, threads, steps, batch, widths):
        return answer([self.python, TORCH_LOOP, folder, loop, *map(str, [threads, steps, batch, *widths])],
                      OMP_WAIT_POLICY="passive", OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                      **self.environment)


def torch_installations(venv):
    """Debian's is compiled against a BLAS with the interface of the reference one: OpenBLAS takes its place."""
    openblas = (glob.glob("/usr/lib/*/openblas-pthread") or [""])[0]
    found = [Torch("Debian's PyTorch", "/usr/bin/python3", "foreach", LD_LIBRARY_PATH=openblas)]
    if not openblas:
        found[0].absent = "no libopenblas0-pthread"
    if venv:
        found.append(Torch("newest PyTorch", venv + "/bin/python", "fused"))
    return found


@contextlib.contextmanager
def busy_process(cpu=None):
    """Another process that wants a CPU all the time: this one, or whichever it is given."""
    spinner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        if cpu is not None:
            os.sched_setaffinity(spinner.pid, {cpu})
        time.sleep(0.2)
        yield
    finally:
        spinner.kill()
        spinner.wait()


def describe_machine(build):
    model = platform.machine()
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), model)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    return {"model": model, "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release(), "commit": commit,
            "date": time.strftime("%Y-%m-%d %H:%M"), "load": os.getloadavg(),
            **answer([build + "/tests/bench_machine"])}
