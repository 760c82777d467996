#!/usr/bin/env bash
# demo.sh - two processes, one trace: a Swift program walks a folder and asks a C program for checksums over HTTP.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/demo.sh [FOLDER]                                   this project's own tree if none is given
#     DIVAK_ENDPOINT=http://zipkin:9411 scripts/demo.sh          to a real Zipkin
#
# Without DIVAK_ENDPOINT a collector on loopback takes the spans and prints the trace as a tree. Everything that is
# started here is stopped here.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

folder=${1:-$root}
[ -d "$folder" ] || { echo "demo: $folder is no folder" >&2; exit 2; }
folder=$(cd "$folder" && pwd -P)

demo=$root/examples/demo
logs=$root/build/logs
mkdir -p "$logs"

# ---- Build ------------------------------------------------------------------------------------------------------

"$root/scripts/setup.sh" build
echo "demo: building (output in build/logs/demo-*.log)"
generator=()
if command -v ninja >/dev/null && [ ! -e "$root/build/demo/CMakeCache.txt" ]; then generator=(-G Ninja); fi
{
    cmake -S "$demo" -B "$root/build/demo" "${generator[@]}" &&
        cmake --build "$root/build/demo" --target demo-hash -j "$(divak_jobs)"
} >"$logs/demo-c.log" 2>&1 || { cat "$logs/demo-c.log" >&2; exit 1; }
swift_build=(swift build --package-path "$demo" --scratch-path "$root/build/demo-swift")
"${swift_build[@]}" >"$logs/demo-swift.log" 2>&1 || { cat "$logs/demo-swift.log" >&2; exit 1; }
walk=$("${swift_build[@]}" --show-bin-path)/demo-walk
hash=$root/build/demo/bin/demo-hash

# ---- Run --------------------------------------------------------------------------------------------------------

temporary=$(mktemp -d)
hash_pid= collector_pid=
clean_up() {
    local pid
    for pid in $hash_pid $collector_pid; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
    done
    rm -rf "$temporary"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# wait_for_port PID FILE - prints the number that a program writes into FILE as "port N" once it listens.
wait_for_port() {
    local port
    for _ in $(seq 200); do
        port=$(sed -n 's/^port //p' "$2")
        if [ -n "$port" ]; then
            echo "$port"
            return
        fi
        kill -0 "$1" 2>/dev/null || break
        sleep 0.05
    done
    echo "demo: a program did not start" >&2
    return 1
}

is_own_collector=false
if [ -z "${DIVAK_ENDPOINT:-}" ]; then
    is_own_collector=true
    python3 "$demo/collector.py" >"$temporary/collector" &
    collector_pid=$!
    DIVAK_ENDPOINT=http://127.0.0.1:$(wait_for_port "$collector_pid" "$temporary/collector")/api/v2/spans
    export DIVAK_ENDPOINT
fi

# A file that can't be read, whoever runs this (permissions don't stop root): a link to what is not there.
mkdir "$temporary/broken"
ln -s "$temporary/gone" "$temporary/broken/vanished.txt"

"$hash" tree="$folder" broken="$temporary/broken" >"$temporary/hash" &
hash_pid=$!
port=$(wait_for_port "$hash_pid" "$temporary/hash")

echo "demo: demo-walk (Swift) walks $folder and asks demo-hash (C, port $port) for a checksum of each file;"
echo "demo: broken/vanished.txt is a link to a file that does not exist: its spans must carry the error"
echo "demo: spans go to $DIVAK_ENDPOINT"
status=0
"$walk" "$port" tree="$folder" broken="$temporary/broken" >"$temporary/walk" || status=1
sed '/^trace /d' "$temporary/walk"
trace=$(sed -n 's/^trace //p' "$temporary/walk")

# stop PID - asks a program to end and gives its status.
stop() {
    kill "$1"
    wait "$1"
}
stop "$hash_pid" || status=1
hash_pid=
sed '/^port /d' "$temporary/hash"

if $is_own_collector; then
    stop "$collector_pid" || status=1
    collector_pid=
    echo
    sed '/^port /d' "$temporary/collector"
else
    base=${DIVAK_ENDPOINT%/}
    base=${base%/spans}
    base=${base%/api/v2}
    case $base in http://* | https://*) ;; *) base=http://$base ;; esac
    echo "demo: the trace: $base/zipkin/traces/$trace"
fi
[ "$status" = 0 ] || echo "demo: something went wrong, see above" >&2
exit "$status"
