#!/bin/sh
# Install what is missing, build, and pass the tests. Ends with one line: N passed, N failed, N skipped.
set -eu
cd "$(dirname "$0")/.."
scripts/install-needs.sh build-essential meson ninja-build pkg-config zlib1g-dev check libsubunit-dev python3 curl ca-certificates gnuplot-nox libpng-dev
[ -d build ] || meson setup build
ninja -C build
status=0
meson test -C build --no-rebuild --no-suite slow --print-errorlogs "$@" || status=$?
python3 scripts/count-tests.py build/meson-logs/testlog.json
exit $status
