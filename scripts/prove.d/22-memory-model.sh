#!/usr/bin/env bash
# 22-memory-model.sh - the protocols between threads: every state of their models, millions of interleavings of the real
# source under simulated weak memory, and every ordering of an atomic weakened in turn.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

# row PROPERTY FIGURE GOAL CONDITION
row() {
    local verdict=FAIL
    (($4)) && verdict=ok
    echo "$1 | $2 | $3 | $verdict"
}

out=$(scripts/model.sh spin)
echo "$out"
models=$(grep -cE '^ok +[a-z]+: ' <<<"$out")
mutants=$(grep -cE '^ok +[a-z]+ -D' <<<"$out")
wrong=$(grep -c '^FAILED' <<<"$out")
row "models without error in any state" "$models" "all, 4 at least" "$models >= 4 && $wrong == 0"
row "wrong protocols that their models find" "$mutants" "all, 12 at least" "$mutants >= 12 && $wrong == 0"

mkdir -p build/model
python3 scripts/model_build.py build/model/objects || exit 1
out=$(build/model/objects/check --random 600000 --exhaustive 400000 --seed "${DIVAK_SEED:-$(date +%s)}")
echo "$out"
runs=$(sed -nE 's/^([0-9]+) interleavings in.*/\1/p' <<<"$out")
failed=$(sed -nE 's/^[0-9]+ passed, ([0-9]+) failed$/\1/p' <<<"$out")
row "interleavings of the real source" "${runs:-0}" "1000000 at least, no race, no broken claim" \
    "${runs:-0} >= 1000000 && ${failed:-1} == 0"

python3 scripts/weaken.py --table
