#!/bin/sh
# SPDX-License-Identifier: MIT
# An nvcc that is of no use: cuda=auto goes without the module and says why, cuda=enabled is an error.
set -eu
if ! command -v meson >/dev/null; then
    echo "skipped: Meson is not on the path"
    exit 77
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CFLAGS CPPFLAGS LDFLAGS

# configure NVCC-SCRIPT OPTION...: with that nvcc first on the path; what Meson says goes to $work/said.
configure() {
    rm -rf "$work/build"
    mkdir -p "$work/bin"
    printf '#!/bin/sh\n%s\n' "$1" >"$work/bin/nvcc"
    chmod +x "$work/bin/nvcc"
    shift
    PATH=$work/bin:$PATH meson setup "$work/build" "$root" -Dtests=false -Dexamples=false "$@" >"$work/said" 2>&1
}

expect() {
    grep -q -- "$1" "$work/said" || { cat "$work/said"; echo "not said: $1"; exit 1; }
}

configure 'echo "no toolkit" >&2; exit 127' -Dcuda=auto || { cat "$work/said"; exit 1; }
expect 'cuda.*no (nvcc does not work: no toolkit)'
if configure 'echo "no toolkit" >&2; exit 127' -Dcuda=enabled; then
    echo "cuda=enabled was accepted"
    exit 1
fi
expect 'ERROR: .*cuda=enabled, but: nvcc does not work: no toolkit'
