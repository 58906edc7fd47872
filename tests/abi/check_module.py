# SPDX-License-Identifier: MIT
"""The module for NVIDIA devices exports its entry and nothing else, and needs nothing but the C library.

usage: check_module.py MODULE"""
import re
import subprocess
import sys

module = sys.argv[1]
symbols = subprocess.run(["nm", "-D", "--defined-only", module], capture_output=True, text=True, check=True).stdout
exported = [line.split()[2] for line in symbols.splitlines() if line.split()[1] != "A"]
dynamic = subprocess.run(["readelf", "-d", module], capture_output=True, text=True, check=True).stdout
needed = re.findall(r"NEEDED.*\[(.*?)\]", dynamic)
print(f"exports {exported}, needs {needed}")
only_entry = exported == ["nninit_module_entry@@NNINIT_MODULE"]
sys.exit(0 if only_entry and all(re.match(r"(libc|ld-linux.*)\.so", name) for name in needed) else 1)
