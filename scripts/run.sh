#!/bin/sh
# Install what is missing, build, and replay the lecture: both nets on MNIST. Options are those of `notebook --help`.
set -eu
cd "$(dirname "$0")/.."
scripts/install-needs.sh build-essential meson ninja-build pkg-config zlib1g-dev >&2
[ -d build-release ] || meson setup build-release --buildtype=release -Dtests=false >&2
ninja -C build-release >&2
if [ -e build-release/cuda/libnninit-cuda.so ]; then
    set -- --modules "$PWD/build-release/cuda" "$@"
fi
exec build-release/examples/notebook "$@"
