#!/bin/sh
# SPDX-License-Identifier: MIT
# The example init_table, given as $1: every rule passes for a matrix; faulty draws, shapes and rules are told by its status.
set -eu
table=$1
"$table" 64x48 >/dev/null || { "$table" 64x48; exit 1; }
[ "$("$table" 64x48 | grep -c ' passed ')" -eq 26 ]
"$table" 128x100 5 | awk '$1 == "kaiming_normal:nonlinearity=relu" && $3 == 0.1414 && $6 == "passed" { found = 1 } END { exit !found }'

# PyTorch's way to cut a normal has a handful of values this far out.
status=0
output=$("$table" 64x64 1 trunc_normal:low=5,high=6) || status=$?
[ $status -eq 1 ]
echo "$output" | grep -q '^  FAILED: trunc_normal \[64, 64\].*; repeats '
status=0
"$table" 5 1 xavier_uniform >/dev/null || status=$?
[ $status -eq 1 ]
for shape in '' x3 3x 3x-1 1x1x1x1x1x1x1x1x1x1 3,4; do
    status=0
    "$table" "$shape" 2>/dev/null || status=$?
    [ $status -eq 2 ]
done
