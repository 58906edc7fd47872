"""Functions in the headers == names in the version script == symbols that the library exports; soname; needed libraries.

usage: check_abi.py LIBRARY MAP HEADER..."""
import re
import subprocess
import sys

library, map_file, *headers = sys.argv[1:]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


declared = set()
for header in headers:
    text = re.sub(r"/\*.*?\*/", "", open(header).read(), flags=re.S)
    declared |= set(re.findall(r"^NNINIT_API[^;]*?\b(nninit_\w+)\s*\(", text, flags=re.M | re.S))
mapped = set(re.findall(r"^\s+(nninit_\w+);", open(map_file).read(), flags=re.M))
exported = {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--defined-only", library).splitlines()}
exported = {name for name in exported if not name.startswith("NNINIT_")}
dynamic = run("readelf", "-d", library)
needed = set(re.findall(r"NEEDED.*\[(.*?)\]", dynamic))
soname = re.findall(r"SONAME.*\[(.*?)\]", dynamic)

problems = []
if declared != mapped:
    problems.append(f"headers and map differ: {sorted(declared ^ mapped)}")
if mapped != exported:
    problems.append(f"map and library differ: {sorted(mapped ^ exported)}")
if soname != ["libnninit.so.0"]:
    problems.append(f"soname is {soname}")
extra = {n for n in needed if not re.match(r"(libc|libm|libz|ld-linux.*)\.so", n)}
if extra:
    problems.append(f"needs more than libc, libm and libz: {sorted(extra)}")
print("\n".join(problems) or f"{len(declared)} functions, needs {sorted(needed)}")
sys.exit(bool(problems))
