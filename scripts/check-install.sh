#!/bin/sh
# Install into a temporary prefix, then build and run a separate program against it: shared and static.
set -eu
cd "$(dirname "$0")/.."
prefix=$(mktemp -d)
trap 'rm -rf "$prefix" build-install' EXIT
rm -rf build-install
meson setup build-install --prefix="$prefix" --libdir=lib --buildtype=release -Dtests=false >/dev/null
ninja -C build-install install >/dev/null
PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
cc -std=c99 examples/fill_array.c -o "$prefix/shared" $(pkg-config --cflags --libs nninit)
# shellcheck disable=SC2046
cc -std=c99 -static examples/train_mlp.c -o "$prefix/static" $(pkg-config --static --cflags --libs nninit)
LD_LIBRARY_PATH=$prefix/lib "$prefix/shared"
"$prefix/static" "$prefix/share/nninit/mnist" 1
