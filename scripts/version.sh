#!/bin/sh
# Print the version that include/nninit/version.h states.
set -eu
header=$(dirname "$0")/../include/nninit/version.h
awk '/define NNINIT_VERSION_(MAJOR|MINOR|PATCH) / { v = v sep $3; sep = "." } END { print v }' "$header"
