#!/usr/bin/env bash
# 20-hot-path.sh - ten million spans at 500,000 a second: nothing dropped, nothing asked of the heap or the kernel.
# SPDX-License-Identifier: Apache-2.0
#
#     20-hot-path.sh BUILD        the folder of a release build
#
# DIVAK_HOT_PATH_SPANS says another number of spans.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

build=${1:-${DIVAK_BUILD:-build/release}}
spans=${DIVAK_HOT_PATH_SPANS:-10000000}
rate=500000
program=$build/hot_path
${CC:-cc} -std=gnu11 -O2 -D_GNU_SOURCE -Iinclude bench/hot_path.c bench/count_calls.c -o "$program" \
    -L"$build" -ldivak -Wl,-rpath,"$(readlink -f "$build")" -pthread || exit 1

line=$("$program" --spans "$spans" --rate "$rate") || exit 1
echo "$line"
value() { sed -nE "s/.*\"$1\":\"?([^,\"}]*)\"?[,}].*/\1/p" <<<"$line"; }

# row PROPERTY FIGURE GOAL CONDITION
row() {
    local verdict=FAIL
    (($4)) && verdict=ok
    echo "$1 | $2 | $3 | $verdict"
}

what="$spans spans at $rate a second"
counted=0
[ "$(value is_counted)" = true ] && counted=1
wakes=$(value wakes) allocations=$(value allocations) releases=$(value releases) others=$(value other_system_calls)
# The first span, before counting begins, is the one more.
row "$what: dropped" "$(value dropped)" 0 "$(value dropped) == 0 && $(value refused) == 0"
row "$what: delivered" "$(value delivered)" "$((spans + 1))" "$(value delivered) == $((spans + 1))"
row "$what: the producer's calls of malloc and free" "$((allocations + releases))" 0 \
    "$counted && $allocations + $releases == 0"
row "$what: the producer's system calls but wakes" "$others" 0 "$counted && $others == 0"
row "$what: the producer's wakes" "$wakes" "at most $((spans / 3000))" "$counted && $wakes * 3000 <= $spans"
