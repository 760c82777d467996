#!/usr/bin/env bash
# screenshot.sh - makes docs/images/trace.png: a failed order of the demo, in the trace view.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/screenshot.sh                                  runs the demo into a collector of its own
#     scripts/screenshot.sh http://127.0.0.1:9411            takes what a collector holds, such as one that KEEP=1 left
#
# Needs what Tools/Tests/web/run.sh needs. With Debian's fonts-inter the picture looks as most people will see the page.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

work=$root/build/web
mkdir -p "$work"
python=$("$root/Tools/Tests/web/run.sh" --python)
url=${1:-}
collector=
stop() { [ -z "$collector" ] || { kill "$collector" && wait "$collector" || true; }; }
trap stop EXIT
if [ -z "$url" ]; then
    swift build --package-path "$root/Tools" -j "$(divak_jobs)" --product divak >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
    rm -f "$work/screenshot.log"
    "$root/Tools/.build/debug/divak" collector --port 0 >"$work/screenshot.log" 2>&1 &
    collector=$!
    for _ in $(seq 200); do
        url=$(sed -nE 's/.*(http:[^ ]+).*/\1/p;T;q' "$work/screenshot.log" 2>/dev/null || true)
        [ -z "$url" ] && kill -0 "$collector" 2>/dev/null || break
        sleep 0.05
    done
    [ -n "$url" ] || { echo "screenshot: the collector did not start" >&2; exit 1; }
    DIVAK_ENDPOINT=$url "$root/scripts/demo.sh" >"$work/demo.log" 2>&1 || { cat "$work/demo.log" >&2; exit 1; }
fi
mkdir -p "$root/docs/images"
"$python" "$root/Tools/Tests/web/screenshot.py" "${url%/}" "$root/docs/images/trace.png"
