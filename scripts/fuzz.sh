#!/usr/bin/env bash
# fuzz.sh [NAME|all] [SECONDS] - fuzzes one target, or each in turn, beginning with its corpus.
# SPDX-License-Identifier: Apache-2.0
#
# What it finds new is kept in build/fuzz-found/NAME, a crash beside it; what deserves to stay is copied by hand into
# fuzz/corpus/NAME. Exit status 1 when a target crashed. In DIVAK_FUZZ_RUNS, a number of runs instead of seconds.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

wanted=${1:-all} seconds=${2:-60}
clang=$(divak_clang) || { echo "fuzz: no clang, neither beside swift nor on PATH" >&2; exit 1; }
mkdir -p build
divak_build fuzz fuzz -DCMAKE_C_COMPILER="$clang" >build/fuzz.log 2>&1 || { tail -n 40 build/fuzz.log; exit 1; }

limit=(-max_total_time="$seconds")
[ -n "${DIVAK_FUZZ_RUNS:-}" ] && limit=(-runs="$DIVAK_FUZZ_RUNS")
count=0 failures=0
for source in fuzz/*_fuzz.c; do
    name=$(basename "$source" _fuzz.c)
    [ "$wanted" = all ] || [ "$wanted" = "$name" ] || continue
    count=$((count + 1))
    found=build/fuzz-found/$name
    mkdir -p "$found" "fuzz/corpus/$name"
    dictionary=()
    [ -f "fuzz/$name.dict" ] && dictionary=(-dict="fuzz/$name.dict")
    echo "== $name"
    "build/fuzz/fuzz/${name}_fuzz" "${limit[@]}" "${dictionary[@]}" -max_len=4096 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$found-" "$found" "fuzz/corpus/$name" 2>&1 | tee "build/fuzz-$name.log" |
        grep -E 'stat::number_of_executed_units|SUMMARY|ERROR|Test unit written'
    [ "${PIPESTATUS[0]}" = 0 ] || failures=$((failures + 1))
done
[ $count -gt 0 ] || { echo "fuzz: no target \"$wanted\"" >&2; exit 2; }
echo "$((count - failures)) of $count targets without a finding"
[ $failures = 0 ]
