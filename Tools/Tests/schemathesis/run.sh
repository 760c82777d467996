#!/usr/bin/env bash
# run.sh - asks the collector everything that Zipkin's own description of its API allows, and much that it doesn't.
# SPDX-License-Identifier: Apache-2.0
#
#     Tools/Tests/schemathesis/run.sh [PROGRAM [OPTION...]]      options of `schemathesis run`
#
# The description is Tests/zipkin-api/zipkin2-api.yaml as it is, with all checks on. Where it and a Zipkin server differ,
# schemathesis.toml says so and why, and hooks.py checks what Zipkin does instead. Installs schemathesis from PyPI into
# build/schemathesis when it isn't there. The last line is "N passed, N failed": of operations.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
program=$(readlink -f "${1:-$root/Tools/.build/debug/divak}")
shift $(($# > 0))
venv=$root/build/schemathesis
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! "$venv/bin/pip" freeze 2>/dev/null | grep -qxFf "$here/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q -r "$here/requirements.txt"
fi

"$program" collector --port 0 --autocomplete-key env >"$work/out" &
collector=$!
trap 'kill $collector 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 200); do
    grep -q http:// "$work/out" && break
    sleep 0.1
done
address=$(grep -o 'http://.*' "$work/out")

cd "$work" # it leaves files behind
failed=0
DIVAK_TEST_HOOKS=$here/hooks.py "$venv/bin/schemathesis" --config-file "$here/schemathesis.toml" run \
    "$root/Tests/zipkin-api/zipkin2-api.yaml" --origin "$address" "$@" || failed=1
# After all that it still answers, and stops when it is told to.
curl -fsS "$address/health" >/dev/null || failed=1
kill $collector
wait $collector || failed=1
echo "$((1 - failed)) passed, $failed failed"
exit $failed
