#!/usr/bin/env bash
# prove.sh - runs the long proofs and prints one table: property, figure, goal, ok or FAIL.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/prove.sh            every executable file in scripts/prove.d, in the order of their names
#     scripts/prove.sh fork       only those whose name contains "fork"
#
# A proof is given the folder of a release build as its argument, which is also in DIVAK_BUILD, and prints lines
#     property | figure | goal | ok
#     property | figure | goal | FAIL
# among whatever else it has to say. One that fails without such a line gets one. Exit status 1 when anything failed.
# One run at a time in a tree.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

pattern=${1:-}
logs=$root/build/logs
table=$logs/prove.table
mkdir -p "$logs"
# Two runs in one tree would write each other's logs, and build under each other's feet.
exec 9>"$logs/prove.lock"
flock -n 9 || { echo "prove: another run is going on in this tree" >&2; exit 1; }
: >"$table"

export DIVAK_BUILD=$root/build/release
divak_build release release >"$logs/prove-build.log" 2>&1 ||
    { tail -n 40 "$logs/prove-build.log"; echo "prove: the release build failed"; exit 1; }

count=0
for proof in scripts/prove.d/*; do
    name=$(basename "$proof")
    [[ -f $proof && -x $proof && $name == *"$pattern"* ]] || continue
    count=$((count + 1))
    log=$logs/prove-$name.log began=$SECONDS
    echo "== $name"
    "$proof" "$DIVAK_BUILD" 2>&1 </dev/null 9>&- | tee "$log"
    status=${PIPESTATUS[0]}
    rows=$(grep -aE '^[^|]+\|[^|]+\|[^|]+\| *(ok|FAIL) *$' "$log")
    [ -n "$rows" ] && printf '%s\n' "$rows" >>"$table"
    if [ "$status" != 0 ] && ! grep -qE '\| *FAIL *$' <<<"$rows"; then
        echo "$name | exit status $status | 0 | FAIL" >>"$table"
    elif [ "$status" = 0 ] && [ -z "$rows" ]; then
        echo "$name | no figure printed | one at least | FAIL" >>"$table"
    fi
    echo "== $name took $((SECONDS - began)) s"
done
if [ $count = 0 ]; then
    echo "prove: no proof in scripts/prove.d${pattern:+ with \"$pattern\" in its name}" >&2
    exit 1
fi

echo
awk -F '|' '
    { for (i = 1; i <= 4; i++) { gsub(/^ +| +$/, "", $i); cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } }
    END { for (row = 1; row <= NR; row++) {
        for (i = 1; i <= 3; i++) printf "%-*s | ", width[i], cell[row, i]
        print cell[row, 4] } }' <(echo 'property | figure | goal | result'; cat "$table")
failures=$(grep -acE '\| *FAIL *$' "$table")
echo "$(grep -acE '\| *ok *$' "$table") ok, $failures FAIL"
[ "$failures" = 0 ]
