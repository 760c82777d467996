#!/usr/bin/env bash
# model.sh - proves the protocols between threads: models of them by spin, every state; the real source under simulated
# weak memory, a million interleavings; and that both find what is wrong with weaker ones.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/model.sh            models and source; about a minute of two processors
#     scripts/model.sh spin       only the models; also: source, and weaken, which prove runs in full
#
# The models are Tests/model/*.pml. Each names its mutants behind the word "Mutants:", as -DNAME: with one of them defined the
# model must fail.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

out=$root/build/model
if [ "${1:-}" = --judge ]; then
    shift
    is_judging=1
fi
parts=("$@")
[ $# -gt 0 ] || parts=(spin source)
passed=0 failed=0
mkdir -p "$out"

# check_model NAME [DEFINE] - every state; prints spin's "errors" and how many states.
check_model() {
    local name=$1 define=${2:-} folder=$out/spin-$1${2:-}
    rm -rf "$folder" && mkdir -p "$folder" || return 2
    (
        cd "$folder" || exit 2
        spin ${define:+"$define"} -a "$root/Tests/model/$name.pml" >spin.log 2>&1 || { cat spin.log; exit 2; }
        ${CC:-cc} -O0 -w -DSAFETY -DMEMLIM=2000 -o pan pan.c || exit 2
        timeout 120 ./pan -m500000 >pan.log 2>&1
        grep -qE 'max search depth too small|out of memory|memory exceeds' pan.log && { cat pan.log; exit 2; }
        errors=$(sed -nE 's/.*errors: ([0-9]+).*/\1/p' pan.log)
        states=$(sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' pan.log)
        [ -n "$errors" ] || { cat pan.log; exit 2; }
        grep -E '^pan:.*(assertion violated|invalid end state)' pan.log | head -n 1
        echo "$states states"
        [ "$errors" = 0 ]
    )
}

# The same, with the verdict in a line; what a mutant must be is wrong.
judge_model() {
    local told status
    told=$(check_model "$@")
    status=$?
    if [ $# = 1 ] && [ $status = 0 ]; then
        echo "ok      $1: $told, no error"
    elif [ $# = 2 ] && [ $status = 1 ]; then
        echo "ok      $1 $2 fails: $(head -n 1 <<<"$told" | cut -c 1-100)"
    else
        echo "FAILED  $*: $(tr '\n' ' ' <<<"$told")"
    fi
}

spin_models() {
    command -v spin >/dev/null || { echo "spin is missing; install it with: make setup"; failed=$((failed + 1)); return; }
    local model name verdicts
    verdicts=$(for model in Tests/model/*.pml; do
        name=$(basename "$model" .pml)
        echo "$name"
        sed -n '/Mutants:/,/\*\//p' "$model" | grep -oE -- '-D[A-Z_]+' | sed "s/^/$name /"
    done | xargs -P "$(divak_jobs)" -L 1 "$0" --judge | sort -k 2)
    echo "$verdicts"
    passed=$((passed + $(grep -c '^ok' <<<"$verdicts"))) failed=$((failed + $(grep -c '^FAILED' <<<"$verdicts")))
}

# Runs a program, adds up its closing line, and leaves it out: the sum is told at the end.
counted() {
    local log=$out/counted.log numbers status
    "$@" 2>&1 | tee "$log" | grep -vE '^[0-9]+ passed, [0-9]+ failed$'
    status=${PIPESTATUS[0]}
    numbers=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log" | tail -n 1)
    if [ -n "$numbers" ]; then
        passed=$((passed + ${numbers% *})) failed=$((failed + ${numbers#* }))
    elif [ "$status" != 0 ]; then
        failed=$((failed + 1))
    fi
}

source_check() {
    python3 scripts/model_build.py "$out/objects" || { failed=$((failed + 1)); return; }
    counted "$out/objects/check" --random 25000 --exhaustive 25000 --jobs "$(divak_jobs)"
}

weaken_sample() { counted python3 scripts/weaken.py --sample 10; }

if [ -n "${is_judging:-}" ]; then
    judge_model "$@"
    exit 0
fi
for part in "${parts[@]}"; do
    began=$SECONDS
    case $part in
    spin) spin_models ;;
    source) source_check ;;
    weaken) weaken_sample ;;
    *) echo "model: no part \"$part\"; there are: spin, source, weaken" >&2; exit 2 ;;
    esac
    echo "== $part took $((SECONDS - began)) s"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
