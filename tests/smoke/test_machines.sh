#!/bin/sh
# SPDX-License-Identifier: MIT
# The examples mnist_rbm and mnist_dbn, given as $1 and $2: on a small slice they say the same with any backend and number of threads,
# resumed and straight, and draw pictures; failures leave nothing behind.
set -eu
rbm=$(realpath "$1") dbn=$(realpath "$2") # they run in another folder below
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fails() { # STATUS PROGRAM OPTIONS...
    wanted=$1 status=0
    shift
    (cd "$folder" && "$@" >/dev/null 2>&1) || status=$?
    [ $status -eq "$wanted" ] || { echo "$*: status $status"; exit 1; }
    [ -z "$(ls "$folder")" ] || { echo "$* left something behind"; exit 1; }
}
for bad in '--hidden 0' '--epochs x' '--ais 1' '--batch 0' '--seed -1' '--subset 0' extra --nonsense; do
    fails 2 "$rbm" $bad
done
for bad in '--widths 10-0' '--labels 10-20' '--pretrain 0' '--seeds 0' '--epochs 0' extra --nonsense; do
    fails 2 "$dbn" $bad
done
fails 1 "$rbm" --machine boltzmann
fails 1 "$rbm" --machine bernoulli:cd_steps=0
fails 1 "$rbm" --data "$folder/none"
fails 1 "$rbm" --subset 100 --epochs 0 --save "$folder/none/file"
fails 1 "$rbm" --subset 100 --epochs 0 --ais 0 --pictures "$folder/none/picture"
fails 1 "$dbn" --machine perceptron
fails 1 "$dbn" --subset 200 --widths 10 --pretrain 1 --dream "$folder/none/picture.pgm"

small='--subset 300 --hidden 20 --epochs 4 --ais 0 --quiet'
says() { # what a run prints, without its times
    "$rbm" $small "$@" | sed 's/ ([0-9.]* s)//'
}
says --pictures "" >"$folder/want"
says --pictures "" --hidden 8 --epochs 1 --ais 2 >"$folder/likelihood"
grep -q 'log Z = .*, exact; test log p' "$folder/likelihood"
grep -q 'log Z = .* by 2 annealed chains' "$folder/likelihood"
for options in '--threads 1' '--backend ref' '--threads 3'; do
    says --pictures "" $options | cmp - "$folder/want"
done
"$rbm" --subset 300 --hidden 20 --epochs 2 --ais 0 --quiet --pictures "" --save "$folder/saved" >/dev/null
"$rbm" $small --pictures "" --resume "$folder/saved" | grep SHA-256 >"$folder/resumed"
grep SHA-256 "$folder/want" | cmp - "$folder/resumed"

# 20 filters of 28 x 28 in rows of ten, 100 samples; a line between tiles
says --pictures "$folder/p" >/dev/null
python3 - "$folder" <<'EOD'
import glob, struct, sys
for what, tiles in (("filters", 20), ("samples", 100)):
    name, = glob.glob(f"{sys.argv[1]}/p-{what}.*")
    data = open(name, "rb").read()
    if name.endswith(".png"):
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        size = struct.unpack(">II", data[16:24])
    else:
        magic, size, most = data.split(b"\n", 3)[:3]
        assert (magic, most) == (b"P5", b"255")
        size = tuple(map(int, size.split()))
        assert len(data) == len(b"P5\n%d %d\n255\n" % size) + size[0] * size[1]
    assert size == (10 * 29 - 1, tiles // 10 * 29 - 1), size
EOD

small='--subset 600 --widths 30-20 --pretrain 2 --epochs 3 --quiet'
"$dbn" $small --labels 50,100 --seeds 2 >"$folder/want"
grep -q '^ *100 .*+-.*+-.*+-' "$folder/want"
"$dbn" $small --labels 50,100 --seeds 2 --threads 1 | cmp - "$folder/want"
"$dbn" $small --all | grep -q 'Seed 1, from machines: epoch .*, held-out error .*, test error'
"$dbn" $small --dream "$folder/dream.pgm" | grep -q 'The joint top names'
[ "$(head -c 11 "$folder/dream.pgm" | tr '\n' ' ')" = "P5 289 289 " ]
