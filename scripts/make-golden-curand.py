"""Make tests/golden/curand.txt with cuRAND's host generator of Philox4_32_10, which needs no GPU: run from the repository's
root, where libcurand.so.10 is installed.

`seed offset call:count... = result`: calls on one generator, one after the other. The result is that of the last call:
normals and normal64s as hexadecimal floats, else the SHA-256 of its values.
"""
import ctypes
import hashlib

import numpy as np

PHILOX4_32_10 = 161
CALLS = {"words": ("Generate", np.uint32), "uniform": ("GenerateUniform", np.float32),
         "uniform64": ("GenerateUniformDouble", np.float64), "normal": ("GenerateNormal", np.float32),
         "normal64": ("GenerateNormalDouble", np.float64)}
SEEDS = [0, 777, (777 << 32) + 5, 2**64 - 1]
OFFSETS = [0, 1, 2**18 - 3, 2**32 - 5, 2**40 + 1, 2**62 + 9]

curand = ctypes.CDLL("libcurand.so.10")


def call(name, *arguments):
    status = getattr(curand, "curand" + name)(*arguments)
    if status != 0:
        raise RuntimeError(f"curand{name}: status {status}")


def draw(generator, kind, count):
    function, dtype = CALLS[kind]
    x = np.empty(count, dtype)
    real = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    moments = (real(0), real(1)) if "Normal" in function else ()
    call(function, generator, x.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(count), *moments)
    return x


def line(seed, offset, *calls):
    generator = ctypes.c_void_p()
    call("CreateGeneratorHost", ctypes.byref(generator), PHILOX4_32_10)
    call("SetPseudoRandomGeneratorSeed", generator, ctypes.c_ulonglong(seed))
    call("SetGeneratorOffset", generator, ctypes.c_ulonglong(offset))
    for kind, count in calls:
        x = draw(generator, kind, count)
    call("DestroyGenerator", generator)
    result = [float(v).hex() for v in x] if "normal" in kind else [hashlib.sha256(x.tobytes()).hexdigest()]
    return " ".join([str(seed), str(offset), *(f"{kind}:{count}" for kind, count in calls), "=", *result])


def main():
    version = ctypes.c_int()
    call("GetVersion", ctypes.byref(version))
    lines = [f"# made by scripts/make-golden-curand.py with cuRAND {version.value} on the host, "
             f"numpy {np.__version__}"]
    for seed in SEEDS:
        for offset in OFFSETS:
            lines.append(line(seed, offset, ("words", 100003)))
            lines.append(line(seed, offset, ("uniform", 100003)))
            lines.append(line(seed, offset, ("normal", 17)))
            # No doubles beyond the end of a round whose first words were skipped.
            lines.append(line(seed, max(offset - 300, 0), ("uniform64", 259)))
            lines.append(line(seed, max(offset - 300, 0), ("normal64", 7)))
    # Calls join; odd ones too.
    lines.append(line(777, 0, *[("uniform", n) for n in (1, 2, 3, 0, 5, 62, 64)], ("uniform", 1000)))
    lines.append(line(777, 0, ("normal", 1), ("normal", 3), ("normal", 16)))
    lines.append(line(777, 0, ("words", 5), ("normal", 3), ("uniform", 7), ("normal", 8)))
    # Doubles within a round, and many rounds of nothing else.
    lines.append(line(777, 0, ("uniform", 5), ("uniform64", 7), ("normal", 3), ("normal64", 4), ("words", 1000)))
    lines.append(line(777, 0, ("uniform", 5), ("normal64", 3), ("words", 2), ("uniform64", 1000)))
    lines.append(line(777, 0, ("uniform64", 2**18), ("words", 1000)))
    lines.append(line(777, 0, ("uniform64", 2**18), ("uniform", 300000)))
    lines.append(line(777, 0, ("normal64", 2**18 - 1), ("uniform64", 600001)))
    lines.append(line(777, 0, ("uniform64", 700001), ("normal64", 8)))
    lines.append(line(777, 0, ("uniform", 700000 // 2**18 * 2**18), ("uniform64", 2**18), ("normal", 9)))
    with open("tests/golden/curand.txt", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
