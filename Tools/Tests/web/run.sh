#!/usr/bin/env bash
# run.sh [DIVAK] - drives the trace view in a headless Chromium against a real collector, and leaves pictures of it.
# SPDX-License-Identifier: Apache-2.0
#
# DIVAK is the program; without it, it is built. Needs chromium and chromedriver (Debian: chromium, chromium-driver) and
# the Python packages of requirements.txt, which go into build/web/venv. Pictures: build/web/*.png. The last line is
# "N passed, N failed".
#
#     DIVAK_WEB_ONLY=zoom Tools/Tests/web/run.sh      only the tests with "zoom" in their name
#     Tools/Tests/web/run.sh --python                 only prints the python that has the packages
#     DIVAK_WEB_URL=http://127.0.0.1:9411 ...         a collector that runs already, and is empty
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/build/web
mkdir -p "$work"

for program in chromium chromedriver python3; do
    command -v "$program" >/dev/null || { echo "web: $program is not on PATH (Debian: chromium chromium-driver python3-venv)"; exit 1; }
done
python=$work/venv/bin/python
if ! "$python" -c 'import selenium, axe_core_python' 2>/dev/null; then
    python3 -m venv "$work/venv" && "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
        { echo "web: the packages of $here/requirements.txt can't be installed"; exit 1; }
fi

[ "${1:-}" = --python ] && { echo "$python"; exit; }

collector=
stop() { [ -z "$collector" ] || { kill "$collector" 2>/dev/null && wait "$collector" 2>/dev/null; }; }
trap stop EXIT
url=${DIVAK_WEB_URL:-}
if [ -z "$url" ]; then
    divak=${1:-}
    if [ -z "$divak" ]; then
        swift build --package-path "$root/Tools" --product divak >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
        divak=$(swift build --package-path "$root/Tools" --show-bin-path)/divak
    fi
    rm -f "$work/collector.log" # or what the last one said would be taken for what this one says
    "$divak" collector --port 0 >"$work/collector.log" 2>&1 &
    collector=$!
    for _ in $(seq 200); do
        url=$(sed -nE 's/.*(http:[^ ]+).*/\1/p;T;q' "$work/collector.log")
        [ -z "$url" ] && kill -0 "$collector" 2>/dev/null || break
        sleep 0.05
    done
    [ -n "$url" ] || { echo "web: the collector did not start"; cat "$work/collector.log"; exit 1; }
fi

"$python" "$here/check.py" "${url%/}" "$work"
