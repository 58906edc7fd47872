#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a GPU makes of the cuda executor: bits against the CPU's, times beside PyTorch's. --help says more.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

help() {
    cat <<'TEXT'
Usage: scripts/gpu-check.sh [--build | --run] [RESULT.json]

Builds the programs of the check into build-gpu/ (--build: only that), runs them on the first CUDA device of this machine
(--run: those that are there), prints a summary and writes RESULT.json (gpu-check.json, in $OUT if that is set).

Building needs nvcc, Meson, Ninja, zlib and libcheck. build-gpu/ holds all that running needs besides the driver, so it can
be carried to a machine that has nothing else. Nothing is fetched, and no setting of the device is changed.

Each part has its limit of time, and one that fails does not keep the next from running; all together stay below eight
minutes. Exit status: 0 all passed, 1 something failed, 77 there is no device, and the reason.

  GPU_CHECK_MODULES  another folder of libnninit-cuda.so, such as that of the emulated one (build/tests/device), and
  GPU_CHECK_QUICK=1  small sizes: to try this script without a GPU
TEXT
}

bundle=$PWD/build-gpu
programs="ops_ops ops_kernels ops_philox ops_machines grad_grad golden_training unit_layer unit_trainer unit_rbm
    unit_rbm_step unit_pretrain unit_dbn unit_report hash bench_device"

build() {
    local tree=$PWD/build-gpu-tree arch=${GPU_ARCH:-80,90,90-ptx}
    [ -d "$tree" ] || meson setup "$tree" --buildtype=release -Dcuda=enabled -Dgpu_arch="$arch" -Dexamples=false || return 1
    local targets=cuda/libnninit-cuda.so program
    for program in $programs; do
        targets="$targets tests/$program"
    done
    # shellcheck disable=SC2086
    ninja -C "$tree" $targets || return 1
    mkdir -p "$bundle/lib"
    cp "$tree/cuda/libnninit-cuda.so" "$bundle/"
    for program in $programs; do
        cp "$tree/tests/$program" "$bundle/"
    done
    ldd "$bundle/ops_ops" "$bundle/bench_device" | awk '/libcheck|libsubunit|libz\.so/ {print $3}' | xargs -I{} cp -L {} "$bundle/lib/"
    # What this build is, for the report: it may run elsewhere.
    {
        printf '{"commit": "%s", ' "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
        printf '"nvcc": "%s", "arch": "%s", ' "$(nvcc_version)" "$arch"
        printf '"cc": "%s"}' "$(cc --version | head -1)"
    } >"$bundle/build.json"
}

nvcc_version() {
    { nvcc --version 2>/dev/null || /usr/local/cuda/bin/nvcc --version; } | sed -n 's/.*release \([0-9.]*\).*/\1/p'
}

# part NAME SECONDS COMMAND...: its output to $work/NAME, its outcome to the summary.
part() {
    local name=$1 limit=$2 status=0 begin=$SECONDS
    shift 2
    [ "$limit" -le $((deadline - SECONDS)) ] || limit=$((deadline - SECONDS))
    [ "$limit" -gt 0 ] || { note "$name" 124 0 && return 124; }
    # shellcheck disable=SC2016
    timeout "$limit" bash -c '"$@"' part "$@" >"$work/$name" 2>"$work/$name.err" || status=$?
    note "$name" "$status" $((SECONDS - begin))
    return $status
}

note() {
    local outcome=passed
    case $2 in 0) ;; 77) outcome=absent ;; 124) outcome="timed out" ;; *) outcome=failed ;; esac
    [ "$2" = 0 ] || [ "$2" = 77 ] || failures=$((failures + 1))
    printf '%-44s %-9s %4d s\n' "$1" "$outcome" "$3"
    outcomes+=("$(printf '{"part": "%s", "outcome": "%s", "seconds": %d}' "$1" "$outcome" "$3")")
}

join() { local IFS=,; echo "$*"; }

text() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$2" | head -1; }
number() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" "$2" | head -1; }

# 77: there is no cuBLASLt.
device() {
    local status=0
    "$bundle/bench_device" examples/data/mnist "$modules" "$@" 2>"$work/words" || status=$?
    cat "$work/words" >&2
    ! grep -q 'need cuBLASLt' "$work/words" || status=77
    return $status
}

suite() {
    CK_FORK=no NNINIT_BACKEND=cuda NNINIT_TEST_MODULES=$modules NNINIT_TEST_DATA=$PWD/tests "$bundle/$1"
}

hash_case() {
    CK_RUN_CASE=$1 suite hash
}

facts() {
    printf '{"driver": "%s", ' "$(head -1 /proc/driver/nvidia/version 2>/dev/null | tr -d '"')"
    printf '"gpu": "%s", ' "$(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,compute_cap \
        --format=csv,noheader 2>/dev/null | head -1)"
    printf '"cpu": "%s", "cpus": %d, ' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(nproc)"
    printf '"nvcc": "%s"}' "$(nvcc_version)"
}

no_device_left() {
    CUDA_VISIBLE_DEVICES='' EMULATOR_DEVICES=0 device auto 1 200 100 784 16 10 >"$work/hidden" &&
        grep -q '"backend": "cpu' "$work/hidden" && grep -q 'there is no device that CUDA can use' "$work/hidden"
}

# One hash: a net's run on the CPU, and twice on the device.
same_hash() {
    local name=$1 want got
    shift
    device cpu "$@" >"$work/$name.cpu" || return 1
    want=$(text sha256 "$work/$name.cpu")
    for _ in 1 2; do
        device cuda "$@" >"$work/$name.cuda" || return 1
        got=$(text sha256 "$work/$name.cuda")
        cat "$work/$name.cuda"
        [ "$got" = "$want" ] || { echo "cuda $got, cpu $want" >&2; return 1; }
    done
    [ -z "$expected" ] || [ "$got" = "$expected" ] || { echo "cuda $got, committed $expected" >&2; return 1; }
}

speed() { # NAME SECONDS BACKEND EPOCHS ROWS BATCH WIDTH...
    local name=$1
    part "$name" "$2" device "${@:3}" || return
    printf '    %s us a step, %s\n' "$(number p50 "$work/$name")" "$(text backend "$work/$name")"
    speeds+=("$(cat "$work/$name")")
}

torch() { # NAME SECONDS EPOCHS TF32 NET@BATCH
    python3 -c 'import torch; raise SystemExit(not torch.cuda.is_available())' >/dev/null 2>&1 || return 0
    part "$1" "$2" python3 tests/bench/torch_cuda.py examples/data/mnist 60000 "${@:3}"
    sed -n 's/.*"loop": "\([a-z0-9 ]*\)".*"median": \([0-9.]*\).*/    PyTorch \1: \2 us a step/p' "$work/$1"
    while IFS= read -r line; do torches+=("$line"); done <"$work/$1"
}

sanitizer() { # TOOL OPTION...
    local tool=$1 sanitize
    sanitize=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
    [ -x "$sanitize" ] || return 77
    shift
    "$sanitize" --tool "$tool" "$@" --error-exitcode 9 "$bundle/bench_device" examples/data/mnist "$modules" cuda 1 400 100 \
        784 48 10
}

# The time of each kernel over 20 steps; the device's clocks are left as they are.
trace() {
    local ncu
    ncu=$(command -v ncu || echo /usr/local/cuda/bin/ncu)
    [ -x "$ncu" ] || return 77
    "$ncu" --clock-control none --graph-profiling node --metrics gpu__time_duration.sum --print-summary per-kernel \
        "$bundle/bench_device" examples/data/mnist "$modules" cuda 1 2000 100 784 256 256 10 | grep -E '==|duration|[<(]'
}

run() {
    local epochs=15 rows=60000 speed_epochs=11 wide_rows=60000 wide_hash_rows=10000 wide_batch=1000 name
    [ "${GPU_CHECK_QUICK:-}" != 1 ] || { epochs=1 rows=400 speed_epochs=2 wide_rows=20 wide_hash_rows=10 wide_batch=10; }
    part facts 20 facts
    part open 60 device cuda 1 200 100 784 16 10 || {
        echo "no device: $(sed 's/^bench_device: //' "$work/open.err")"
        return 77
    }
    echo "    $(text backend "$work/open"), opened in $(number opened_s "$work/open") s"
    part "hidden devices" 60 no_device_left

    export expected=
    [ $epochs != 15 ] || expected=5945e75b24c6bed0f19391adf8e6055ebb7920665eb52daeb299553d281c31fd
    part "hash 784-256-256-10" 120 same_hash xavier $epochs $rows 100 784 256 256 10
    expected=
    part "hash 784-512-512-512-512-10" 120 same_hash deep $epochs $rows 100 784 512 512 512 512 10
    # Large enough for large tiles on any device.
    part "hash 784-2048-2048-10, batch 1000" 120 same_hash wide 1 "$wide_hash_rows" "$wide_batch" 784 2048 2048 10
    for name in fast_20_steps deep_20_steps machines_20_steps resumed; do
        part "hash $name" 60 hash_case $name
    done

    speed "784-256-256-10" 60 cuda $speed_epochs $rows 100 784 256 256 10
    torch "PyTorch 784-256-256-10" 60 5 0 784-256-256-10@100
    speed "784-512-512-512-512-10" 60 cuda $speed_epochs $rows 100 784 512 512 512 512 10
    torch "PyTorch 784-512-512-512-512-10" 60 5 0 784-512-512-512-512-10@100
    for name in exact fast tf32; do
        speed "784-2048-2048-10, batch 1000, $name" 60 cuda:math=$name 4 "$wide_rows" "$wide_batch" 784 2048 2048 10
    done
    torch "PyTorch 784-2048-2048-10" 60 3 0 784-2048-2048-10@1000
    torch "PyTorch 784-2048-2048-10, tf32" 60 3 1 784-2048-2048-10@1000

    for name in $programs; do
        case $name in hash | bench_device) ;; *) part "$name" 90 suite "$name" ;; esac
    done
    part "kernel times" 60 trace
    cat "$work/kernel times"
    part memcheck 90 sanitizer memcheck --leak-check full
    for name in racecheck synccheck initcheck; do
        part $name 60 sanitizer $name
    done
    return 0
}

report() {
    local file=$1
    {
        printf '{"schema": 1, "date": "%s", ' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
        printf '"build": %s, "machine": %s, ' "$(cat "$bundle/build.json")" "$(cat "$work/facts")"
        printf '"open": %s, ' "$(grep . "$work/open" || echo null)"
        printf '"parts": [%s], ' "$(join "${outcomes[@]}")"
        printf '"runs": [%s], ' "$(cat "$work/hash 784"* 2>/dev/null | paste -sd,)"
        printf '"bench": [%s], "pytorch": [%s], ' "$(join "${speeds[@]:-}")" "$(join "${torches[@]:-}")"
        printf '"failures": %d}\n' "$failures"
    } >"$file"
    echo "written: $file"
    # The last words of what failed.
    for name in "$work"/*.err; do
        [ ! -s "$name" ] || { echo "-- $(basename "$name" .err)" && tail -3 "$name"; }
    done
}

do_build=1 do_run=1 result=${OUT:-.}/gpu-check.json
for argument; do
    case $argument in
    --help) help && exit 0 ;;
    --build) do_run=0 ;;
    --run) do_build=0 ;;
    *) result=$argument ;;
    esac
done
if [ $do_build = 1 ]; then
    build >&2 || exit 1
fi
[ $do_run = 1 ] || exit 0
[ -x "$bundle/bench_device" ] || { echo "$bundle has no programs: build first" >&2; exit 1; }
SECONDS=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
modules=${GPU_CHECK_MODULES:-$bundle}
export LD_LIBRARY_PATH=$bundle/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} CUDA_MODULE_LOADING=EAGER
unset CUDA_LAUNCH_BLOCKING
export work modules bundle
export -f device text facts hash_case no_device_left nvcc_version same_hash sanitizer suite trace
deadline=470 failures=0 outcomes=() speeds=() torches=()
status=0
run || status=$?
report "$result"
[ "$status" = 77 ] && exit 77
[ "$failures" = 0 ]
