#!/bin/sh
# SPDX-License-Identifier: MIT
# get-data.sh against a local server: right files arrive; broken, truncated and missing ones leave nothing behind.
set -eu
if ! command -v curl >/dev/null && ! command -v wget >/dev/null; then
    echo "skipped: neither curl nor wget is installed"
    exit 77
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$work"' EXIT
mkdir "$work/served"
cp "$root"/examples/data/mnist/*.gz "$work/served"

python3 -u - "$work/served" >"$work/port" 2>"$work/log" <<'PYTHON' &
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_address[1])
server.serve_forever()
PYTHON
server=$!
tries=0
until [ -s "$work/port" ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat "$work/log"; exit 1; }
    sleep 0.1
done
export NNINIT_DATA_URL="http://127.0.0.1:$(cat "$work/port")/" no_proxy=127.0.0.1

fail() {
    echo "FAIL: $*"
    cat "$work/output"
    exit 1
}

# The file in question is asked for first; the words must be in the message; the folder must stay empty.
refuses() {
    rm -rf "$work/got"
    if "$root/scripts/get-data.sh" mnist "$work/got" >"$work/output" 2>&1; then
        fail "$1 file taken"
    fi
    grep -q "train-images-idx3-ubyte.gz: $2" "$work/output" || fail "$1: no message with '$2'"
    [ -z "$(ls -A "$work/got")" ] || fail "$1: left behind: $(ls -A "$work/got")"
    echo "ok: $1"
}

first=train-images-idx3-ubyte.gz
original=$root/examples/data/mnist/$first
head -c 100000 "$original" >"$work/served/$first"
refuses truncated "wrong contents"
{ head -c 5000 "$original"; printf 'garbage'; tail -c +5008 "$original"; } >"$work/served/$first"
refuses broken "wrong contents"
cp "$root/examples/data/mnist/t10k-images-idx3-ubyte.gz" "$work/served/$first"
refuses "another set's" "wrong contents"
rm "$work/served/$first"
refuses missing "cannot be fetched"

# A broken file in the way is replaced; right ones are not asked for again.
cp "$original" "$work/served/$first"
echo broken >"$work/got/$first"
"$root/scripts/get-data.sh" mnist "$work/got" >"$work/output" 2>&1 || fail "right files refused"
[ "$(ls -A "$work/got" | wc -l)" -eq 4 ] || fail "there should be four files"
for file in "$work"/got/*.gz; do
    cmp "$file" "$root/examples/data/mnist/$(basename "$file")" || fail "$file differs"
done
rm "$work"/served/*
"$root/scripts/get-data.sh" mnist "$work/got" >"$work/output" 2>&1 || fail "files that are there were asked for"
echo "ok: right"
if "$root/scripts/get-data.sh" cifar "$work/got" >"$work/output" 2>&1; then
    fail "unknown set taken"
fi
echo "ok: unknown set"
