# SPDX-License-Identifier: MIT
"""What nvcc makes of the kernels: registers are never spilled, nothing is fused that is not written as fmaf, and products ask
for their next tiles before they work on the last ones.

usage: check_machine_code.py NVCC KERNELS PROBE ARCH INCLUDE...

The second is seen where nothing fused is written: PROBE turns fmaf into a product and a sum, and division and square root,
which are made of fused operations, are taken in their short forms. Then no FFMA may be left. The same with -fmad=true has
some, which proves that the look finds them. The third: no load behind the last barrier of a product.

Instructions of sm_80 and later are sixteen bytes, whose low twelve bits are the operation; a cubin is an ELF file with a section
for each kernel."""
import struct
import subprocess
import sys
import tempfile

FFMA = {0x223, 0x423, 0x823, 0xA23, 0xC23}
LOCAL = {0x983, 0x387}  # LDL, STL
LOAD, BARRIER = 0x981, 0xB1D  # LDG, BAR


def kernels_of(cubin):
    """Operations of each kernel, in order."""
    offset, = struct.unpack_from("<Q", cubin, 40)
    size, count, names = struct.unpack_from("<HHH", cubin, 58)
    sections = [struct.unpack_from("<IIQQQQ", cubin, offset + i * size) for i in range(count)]
    strings = sections[names][4]
    kernels = {}
    for name, _, _, _, start, length in sections:
        text = cubin[strings + name:cubin.index(b"\0", strings + name)].decode()
        if text.startswith(".text."):
            words = struct.unpack_from(f"<{length // 8}Q", cubin, start)[::2]
            kernels[text[6:]] = [word & 0xFFF for word in words]
    return kernels


def compile_kernels(nvcc, source, arch, includes, options):
    with tempfile.NamedTemporaryFile(suffix=".cubin") as out:
        subprocess.run([nvcc, "-cubin", source, "-o", out.name, "-std=c++17", "-O3", f"-arch=sm_{arch}",
                        *(f"-I{path}" for path in includes), *options], check=True)
        return kernels_of(out.read())


def total(kernels, operations):
    return sum(operation in operations for kernel in kernels.values() for operation in kernel)


def loads_late(operations):
    last = max(i for i, operation in enumerate(operations) if operation == BARRIER)
    return LOAD in operations[last:]


def main():
    nvcc, source, probe, arch, *includes = sys.argv[1:]
    short = ["-include", probe, "-prec-div=false", "-prec-sqrt=false"]
    product = compile_kernels(nvcc, source, arch, includes, ["-fmad=false"])
    unfused = compile_kernels(nvcc, source, arch, includes, ["-fmad=false", *short])
    fused = compile_kernels(nvcc, source, arch, includes, ["-fmad=true", *short])
    spills = {name for name, operations in product.items() if LOCAL & set(operations)}
    products = [operations for name, operations in product.items() if "product_" in name]
    late = sum(map(loads_late, products))
    print(f"sm_{arch}: {len(product)} kernels, {total(product, FFMA)} FFMA as the product is built; "
          f"{total(unfused, FFMA)} where none is written, {total(fused, FFMA)} there with -fmad=true; "
          f"{len(spills)} kernels use local memory; {late} of {len(products)} products load late")
    found_all = len(product) > 5 and len(products) == 4
    fused_as_written = total(product, FFMA) > 0 == total(unfused, FFMA) and total(fused, FFMA) > 0
    sys.exit(0 if found_all and fused_as_written and not spills and not late else 1)


main()
