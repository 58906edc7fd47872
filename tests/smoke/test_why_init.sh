#!/bin/sh
# SPDX-License-Identifier: MIT
# The example why_init, given as $1: its page is whole, stands alone and says what it must; failures leave nothing behind.
set -eu
why=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
page=$folder/page.html

fails() { # STATUS OPTIONS...
    wanted=$1 status=0
    shift
    "$why" --out "$page" --quiet "$@" >/dev/null 2>&1 || status=$?
    [ $status -eq "$wanted" ] || { echo "why_init $*: status $status"; exit 1; }
    [ -z "$(ls "$folder")" ] || { echo "why_init $* left something behind"; exit 1; }
}
for bad in '--depth 1' '--depth x' '--width 0' '--activation gelu' '--epochs 0' '--batch 1' '--seed -1' '--subset 0' extra --nonsense; do
    fails 2 $bad
done
fails 1 --optimizer sdg
fails 1 --data "$folder/none"
why_init=$why
mkdir "$folder.bin"
trap 'rm -rf "$folder" "$folder.bin"' EXIT
printf '#!/bin/sh\nPATH=/none exec "%s" "$@"\n' "$why_init" >"$folder.bin/without_gnuplot"
chmod +x "$folder.bin/without_gnuplot"
why=$folder.bin/without_gnuplot
fails 1 --subset 200 --depth 2 --width 8
why=$why_init

command -v gnuplot >/dev/null || { echo "gnuplot is not installed: the page is not tested"; exit 77; }
small="--subset 1000 --depth 4 --width 24 --quiet"
"$why" $small --png --out "$page"
[ "$(ls "$folder" | grep -c 'png$')" -eq 6 ]
python3 - "$page" <<'EOD'
import json, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
assert text.count("<svg") == 6 and text.count("</svg>") == 6
assert not re.search(r"(src|href)\s*=\s*[\"']\s*(https?:|//|file:)", text.replace("xlink:href='#", "")), "it needs the network"
data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))
assert data["depth"] == 4 and data["width"] == 24 and data["seed"] == 777
runs = {run["name"]: run for run in data["runs"]}
verdicts = {name: run["start"]["verdict"] for name, run in runs.items()}
assert verdicts["zeros"] == verdicts["constant 0.01"] == "symmetric", verdicts
assert verdicts["N(0, 1)"] == "exploding" and verdicts["N(0, 0.01 squared)"] == "vanishing", verdicts
assert all(verdicts[name] == "healthy" for name in ("LeCun", "Xavier", "He", "orthogonal", "LSUV")), verdicts
# Machines learn weights for sigmoids; these are not independent, and nothing is predicted of them.
assert all(value is None for value in runs["RBM pre-training"]["predicted_variance"])
assert runs["zeros"]["moved"] == [False] * 9 + [True]
for run in runs.values():
    assert re.fullmatch("[0-9a-f]{64}", run["sha256_end"]) and len(run["start"]["layers"]) == 9
    assert run["name"] == "N(0, 1)" or len(run["training"]) == 10
# Measured against predicted, in a net that is wide enough to tell: within a factor of two.
for name in ("Xavier", "He"):
    linear = [layer for layer in runs[name]["start"]["layers"] if layer["kind"] == "linear"]
    for layer, predicted in zip(linear[:2], runs[name]["predicted_variance"]):
        assert .5 < layer["variance"] / predicted < 2, (name, layer["variance"], predicted)
EOD
cp "$page" "$folder/first"
"$why" $small --png --threads 1 --backend ref --out "$page"
hashes() { grep -o '[0-9a-f]\{64\}' "$1"; }
[ "$(hashes "$folder/first")" = "$(hashes "$page")" ]
