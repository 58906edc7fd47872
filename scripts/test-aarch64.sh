#!/bin/sh
# SPDX-License-Identifier: MIT
# Build for aarch64 on another Debian machine, and pass the tests there under emulation.
set -eu
cd "$(dirname "$0")/.."
scripts/install-needs.sh gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user meson ninja-build pkg-config python3
build=$PWD/build-aarch64
libraries=$build-libraries

# zlib and libcheck for aarch64, unpacked beside the build: the packages of the machine stay as they are.
unpack_libraries() {
    rm -rf "$libraries"
    mkdir -p "$libraries/lists/partial"
    cd "$libraries"
    set -- -qq -o APT::Architecture=arm64 -o APT::Sandbox::User="$(id -un)" -o Dir::State::Lists="$libraries/lists" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    apt-get "$@" update
    apt-get "$@" download zlib1g-dev check libsubunit-dev
    for package in *.deb; do
        dpkg -x "$package" .
    done
    sed -i "s,^prefix=.*,prefix=$libraries/usr," usr/lib/aarch64-linux-gnu/pkgconfig/*.pc
    cat >cross.ini <<INI
[binaries]
c = 'aarch64-linux-gnu-gcc'
cpp = 'aarch64-linux-gnu-g++'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']
[properties]
pkg_config_libdir = '$libraries/usr/lib/aarch64-linux-gnu/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
INI
}

[ -e "$libraries/cross.ini" ] || (unpack_libraries)
[ -d "$build" ] || meson setup "$build" --cross-file "$libraries/cross.ini" --werror
ninja -C "$build"
# Left out: minutes of emulation (slow, long, emulated), and shell scripts that have nothing to do with the processor (smoke).
meson test -C "$build" --no-rebuild --print-errorlogs -t 4 --no-suite slow --no-suite long --no-suite emulated \
    --no-suite emulated-ops --no-suite emulated-long --no-suite smoke
