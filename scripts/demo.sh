#!/usr/bin/env bash
# demo.sh - a shop in three services, in Swift and C, under a little load: what their traces look like, and what they cost.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/demo.sh                                        into a collector of its own
#     DIVAK_ENDPOINT=http://zipkin:9411 scripts/demo.sh      into a real Zipkin
#     KEEP=1 scripts/demo.sh                                 leaves the collector running, to look at its pages
#     SECONDS_OF_LOAD=60 scripts/demo.sh                     instead of 3
#
# Everything that is started here is stopped here, but for the collector with KEEP=1.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=${SECONDS_OF_LOAD:-3}
demo=$root/examples/demo
logs=$root/build/logs
mkdir -p "$logs"

# ---- Build ------------------------------------------------------------------------------------------------------

"$root/scripts/setup.sh" build
bin=$root/Tools/.build/debug
if [ ! -x "$bin/divak-demo" ]; then
    echo "demo: building; the first time takes some minutes (output in build/logs/demo-*.log)"
fi
generator=()
if command -v ninja >/dev/null && [ ! -e "$root/build/demo/CMakeCache.txt" ]; then generator=(-G Ninja); fi
{
    cmake -S "$demo" -B "$root/build/demo" "${generator[@]}" &&
        cmake --build "$root/build/demo" --target demo-hash demo-cost -j "$(divak_jobs)"
} >"$logs/demo-c.log" 2>&1 || { cat "$logs/demo-c.log" >&2; exit 1; }
# By product: without, SwiftPM builds the plugins of all packages too, each time.
for product in divak divak-demo; do
    swift build --package-path "$root/Tools" -j "$(divak_jobs)" --product "$product" >"$logs/demo-$product.log" 2>&1 ||
        { cat "$logs/demo-$product.log" >&2; exit 1; }
done
divak=$bin/divak
shop=$bin/divak-demo
programs=$root/build/demo/bin

# ---- Start ------------------------------------------------------------------------------------------------------

temporary=$(mktemp -d)
collector_pid= hash_pid= stock_pid= shop_pid=
clean_up() {
    local pid
    for pid in $shop_pid $stock_pid $hash_pid $collector_pid; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
    done
    rm -rf "$temporary"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# wait_for PID FILE PATTERN - prints what a program says of where it listens, once it does.
wait_for() {
    local found
    for _ in $(seq 400); do
        found=$(sed -n "s/$3/\1/p" "$2")
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
        kill -0 "$1" 2>/dev/null || break
        sleep 0.05
    done
    echo "demo: a program did not start" >&2
    return 1
}

is_own_collector=
if [ -z "${DIVAK_ENDPOINT:-}" ]; then
    is_own_collector=yes
    # Its own process group and no terminal: with KEEP=1 it outlives this script, and Control-C on it.
    : >"$logs/demo-collector.log"
    setsid "$divak" collector --port 0 >"$logs/demo-collector.log" 2>&1 </dev/null &
    collector_pid=$!
    DIVAK_ENDPOINT=$(wait_for "$collector_pid" "$logs/demo-collector.log" '^divak collector: listening on \(.*\)$')
    export DIVAK_ENDPOINT
fi

mkdir "$temporary/invoices"
touch "$temporary"/{customers,shop,stock,hash} # read before the programs begin to write
"$programs/demo-hash" invoices="$temporary/invoices" >"$temporary/hash" &
hash_pid=$!
"$shop" stock >"$temporary/stock" &
stock_pid=$!
hash_port=$(wait_for "$hash_pid" "$temporary/hash" '^port \(.*\)$')
stock_port=$(wait_for "$stock_pid" "$temporary/stock" '^port \(.*\)$')
"$shop" shop --stock "http://127.0.0.1:$stock_port" --hash "http://127.0.0.1:$hash_port" --folder "$temporary" \
    >"$temporary/shop" &
shop_pid=$!
shop_port=$(wait_for "$shop_pid" "$temporary/shop" '^port \(.*\)$')

# ---- Load -------------------------------------------------------------------------------------------------------

echo "demo: shop (Swift, Hummingbird, SQLite), stock (Swift; sells out now and then) and hash (C) are up;"
echo "demo: four customers order for $seconds s; spans go to $DIVAK_ENDPOINT"
began=$(date +%s%N)
"$shop" customers --shop "http://127.0.0.1:$shop_port" --seconds "$seconds" >"$temporary/customers"
took=$((($(date +%s%N) - began) / 1000000))

# stop PID - asks a program to end; fails unless it delivered all of its spans.
stop() {
    kill "$1"
    wait "$1"
}
status=0
stop "$shop_pid" || status=1
shop_pid=
stop "$stock_pid" || status=1
stock_pid=
stop "$hash_pid" || status=1
hash_pid=
sed '/^port /d' "$temporary"/{customers,shop,stock,hash}

# ---- Show -------------------------------------------------------------------------------------------------------

# first OPTION... - the id of the first trace that the command lists.
first() {
    "$divak" traces --color never --since 5m --limit 1000 "$@" | awk 'NR == 2 { print $NF }'
}
slowest=$(first --service customers --sort longest)
failed=$(first --service customers --failed)
for found in "slowest $slowest" "failed $failed"; do
    read -r what id <<<"$found"
    [[ $id =~ ^[0-9a-f]{16,32}$ ]] || { echo "demo: there is no $what trace" >&2; status=1; continue; }
    printf '\nThe %s trace\n\n' "${what/failed/last failed}"
    "$divak" trace "$id" || status=1
done
printf '\nWho calls whom\n\n'
"$divak" dependencies --since 5m || status=1

"$programs/demo-cost" >"$temporary/cost"
spans=$(awk '/ spans delivered$/ { sum += $4 } END { print sum }' "$temporary"/{customers,shop,stock,hash})
printf '\nWhat recording cost\n\n'
awk -v spans="$spans" -v ms="$took" '$1 == "ns" {
    cost = spans * $2 / 1e6
    printf "  %d spans at %.0f ns (one of three tags, in C, on this machine now): %.2f ms in %.1f s, %.3f %%\n",
        spans, $2, cost, ms / 1000, 100 * cost / ms
}' "$temporary/cost"

base=${DIVAK_ENDPOINT%/}
base=${base%/spans}
base=${base%/api/v2}
case $base in http://* | https://*) ;; *) base=http://$base ;; esac
echo
if [ -z "$is_own_collector" ]; then
    echo "demo: open $base/zipkin/traces/$failed"
elif [ -n "${KEEP:-}" ]; then
    echo "demo: open $base/zipkin/traces/$failed (the collector runs on: kill $collector_pid ends it)"
    collector_pid=
else
    echo "demo: KEEP=1 make demo leaves the collector running, and says what to open in a browser"
fi
[ "$status" = 0 ] || echo "demo: something went wrong, see above" >&2
exit "$status"
