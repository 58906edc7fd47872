#!/bin/sh
# SPDX-License-Identifier: MIT
# The example init_table, given as $1: every rule passes; faulty draws, shapes and rules are told by its status.
set -eu
table=$1
"$table" --shape 64x48 >/dev/null || { "$table" --shape 64x48; exit 1; }
[ "$("$table" --shape 64x48 | grep -c '^passed ')" -eq 26 ]
[ "$("$table" --shape 64x48 | grep -c '^n/a .* 2$')" -eq 2 ]
[ "$("$table" --shape 16x8x3x3 --seed 1 | grep -c '^passed ')" -eq 24 ]
"$table" --shape 128x100 --seed 5 --spec kaiming_normal:nonlinearity=relu |
    grep -q '^passed .*  kaiming_normal \[128, 100\]: normal, mean 0, std 0.1414;'
# Columns are aligned: that of the rule begins where its head does.
"$table" --shape 64x48 | awk 'NR == 1 { at = index($0, "rule") } substr($0, at - 2, 2) != "  " || substr($0, at, 1) == " " { exit 1 }'

# PyTorch's way to cut a normal has a handful of values this far out.
status=0
output=$("$table" --shape 64x64 --spec trunc_normal:low=5,high=6) || status=$?
[ $status -eq 1 ]
echo "$output" | grep -q '^ *FAILED: trunc_normal \[64, 64\].*; repeats '

fails() { # STATUS OPTIONS...
    wanted=$1 status=0
    shift
    "$table" "$@" >/dev/null 2>&1 || status=$?
    [ $status -eq "$wanted" ] || { echo "init_table $*: status $status"; exit 1; }
}
fails 0 --shape 784
fails 1 --shape 5 --spec xavier_uniform
fails 1 --spec xavier
for shape in '' x3 3x 3x-1 3x0 1x1x1x1x1x1x1x1x1 3,4 99999999999999999999; do
    fails 2 --shape "$shape"
done
fails 2 --seed -1
fails 2 --nonsense
fails 2 256x784
fails 0 --help
