#!/usr/bin/env bash
# bench.sh - measures everything that bench/ can measure, and writes it down with machine, compiler and commit.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/bench.sh                    all parts; about five minutes
#     scripts/bench.sh span deliver       only these
#     scripts/bench.sh --list             what parts there are
#
# Figures are printed beside the limit of the same run and the goal; nothing here fails because of a figure. All parts
# together also go to bench/results/DATE-COMMIT.md; DIVAK_BENCH_RESULTS names another folder.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

parts=(limit span hot_path memory instructions encode deliver swift peers)
binaries=$root/build/bench/bench
logs=$root/build/logs
temporary=$(mktemp -d)
sink=
mkdir -p "$logs"

finish() {
    [ -z "$sink" ] || kill "$sink" 2>/dev/null
    rm -rf "$temporary"
}
trap finish EXIT

# json KEY <<<LINE: the value of a key in a line of JSON that has no nested objects.
json() {
    sed -nE "s/.*\"$1\":\"?([^,\"}]*)\"?[,}].*/\1/p" | head -1
}

machine() {
    local compiler
    compiler=$(sed -n 's/^CMAKE_C_COMPILER:[^=]*=//p' build/bench/CMakeCache.txt)
    echo "| | |"
    echo "|---|---|"
    echo "| machine | $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1), $(nproc) processors, $(
        awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo) |"
    echo "| kernel | $(uname -srm), clock source $(
        cat /sys/devices/system/clocksource/clocksource0/current_clocksource 2>/dev/null || echo unknown) |"
    echo "| compiler | $("$compiler" --version | head -1), $(
        sed -n 's/^CMAKE_BUILD_TYPE:[^=]*=//p' build/bench/CMakeCache.txt) $(
        sed -n 's/^CMAKE_C_FLAGS_RELEASE:[^=]*=//p' build/bench/CMakeCache.txt | sed 's/-O3/-O2/') |"
    echo "| library | $(pkg-config --modversion libcurl 2>/dev/null | sed 's/^/libcurl /'), $(
        ldd --version 2>/dev/null | head -1) |"
    echo "| commit | $(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown) |"
    echo "| date | $(date -u '+%Y-%m-%d %H:%M UTC') |"
    echo "| load before | $(cut -d' ' -f1-3 /proc/loadavg) |"
}

part_limit() {
    echo "## The limit"
    echo
    "$binaries/limit"
}

part_span() {
    echo "## A span, for the thread that makes it"
    echo
    "$binaries/span"
}

part_hot_path() {
    local line
    echo "## Ten million spans at 500,000 a second"
    echo
    echo "| producers | spans | dropped | allocations | system calls but wakes | wakes | spans a wake | processor taken away, longest | goal |"
    echo "|---|---|---|---|---|---|---|---|---|"
    for threads in 1 2; do
        line=$("$binaries/hot_path" --threads "$threads" --spans $((threads == 1 ? 10000000 : 2000000))) || return 1
        echo "$line" >&2
        awk -v OFS=' | ' -v threads="$threads" -v spans="$(json spans <<<"$line")" -v dropped="$(json dropped <<<"$line")" \
            -v allocations="$(json allocations <<<"$line")" -v others="$(json other_system_calls <<<"$line")" \
            -v wakes="$(json wakes <<<"$line")" -v counted="$(json is_counted <<<"$line")" \
            -v interrupted="$(json interrupted <<<"$line")" -v longest="$(json longest_ms <<<"$line")" 'BEGIN {
                if (counted != "true") allocations = others = wakes = "not counted here"
                print "| " threads, spans, dropped, allocations, others, wakes,
                    (wakes + 0 > 0 ? int(spans / wakes) : "none"), interrupted " times, " longest " ms",
                    "0, 0, 0, 3000 or more |" }'
    done
}

part_memory() {
    echo "## Memory of a span that waits"
    echo
    "$binaries/memory"
}

# instructions SORT FUNCTION: how many instructions one span of that sort takes, the library's functions included.
instructions() {
    local total spans
    spans=$(valgrind --tool=callgrind --callgrind-out-file="$temporary/callgrind.$1" --collect-atstart=no \
        --toggle-collect="$2" "$binaries/instructions" "$1" 2>"$temporary/valgrind.log") || return 1
    total=$(awk '/^(summary|totals):/ { print $2; exit }' "$temporary/callgrind.$1")
    [ -n "$total" ] && [ "$total" -gt 0 ] && awk -v total="$total" -v spans="$spans" 'BEGIN { printf "%.1f", total / spans }'
}

part_instructions() {
    local figure
    echo "## Instructions a span, by callgrind"
    echo
    if ! command -v valgrind >/dev/null; then
        echo "valgrind is not installed."
        return 0
    fi
    echo "| what | instructions | goal |"
    echo "|---|---|---|"
    while IFS='|' read -r sort function what goal; do
        figure=$(instructions "$sort" "$function") || figure="not measured: $(tail -1 "$temporary/valgrind.log")"
        echo "| $what | $figure | $goal |"
        cp "$temporary/callgrind.$sort" "$logs/" 2>/dev/null
    done <<'END'
copied|bench_span|sampled, 3 tags, keys copied|300
keys|bench_span_by_key|sampled, 3 tags, registered keys|250
calls|bench_span_by_calls|unsampled, 3 tags, five real calls|
unsampled|bench_span|unsampled, 3 tags, as a program writes it|
END
    echo
    echo "Which function takes them: \`callgrind_annotate build/logs/callgrind.copied\`."
}

part_encode() {
    echo "## Encoding"
    echo
    "$binaries/encode"
}

# deliver ROW GOAL RUNS OPTION...: the best of some runs, each with an accounting of its own.
deliver() {
    local row=$1 goal=$2 runs=$3 line best= rate best_rate=0
    shift 3
    for _ in $(seq "$runs"); do
        line=$("$binaries/deliver" "$binaries/sink" "$@")
        echo "$line" >&2
        rate=$(json delivered_per_second <<<"$line")
        if [ "${rate:-0}" -gt "$best_rate" ]; then
            best=$line best_rate=$rate
        fi
    done
    delivered=$best_rate
    echo "| $row | $best_rate | $(json spans <<<"$best") | $(json dropped <<<"$best") | $(json sink_spans <<<"$best")" \
        "| $(json is_exact <<<"$best" | sed 's/true/yes/; s/false/NO/') | $(json bytes_per_span <<<"$best")" \
        "| $(json producer_cpu_ns <<<"$best") / $(json library_cpu_ns <<<"$best") / $(json sink_cpu_ns <<<"$best") | $goal |"
}

delivered_json=0
part_deliver() {
    echo "## Delivered to a sink in another process"
    echo
    echo "Best of three, from the first span to the last one acknowledged. The sink counts what arrives by itself."
    echo
    echo "| what | spans a second | made | dropped | the sink's count | accounts agree | bytes a span | CPU ns a span: producer / library / sink | goal |"
    echo "|---|---|---|---|---|---|---|---|---|"
    deliver "JSON, 1 producer" 3000000 3 --encoding json --spans 4000000
    delivered_json=$delivered
    deliver "proto3, 1 producer" 5000000 3 --encoding proto3 --spans 4000000
    deliver "JSON, 2 producers" "" 3 --encoding json --spans 4000000 --threads 2
    deliver "JSON, 1 producer, lane of 1 MiB" "" 3 --encoding json --spans 4000000 --ring 1MiB
    deliver "JSON, 150,000 a second, each answer after 5 ms" "150,000, none dropped" 1 \
        --encoding json --spans 1500000 --rate 150000 --delay-ms 5 --ring 1MiB
}

part_swift() {
    echo "## A span in Swift, called from another package"
    echo
    command -v swift >/dev/null || { echo "Not built: no swift on this machine."; return 0; }
    swift build -c release --package-path Benchmarks --product DivakBenchmarks >"$logs/bench-swift.log" 2>&1 ||
        { tail -n 20 "$logs/bench-swift.log" >&2; return 1; }
    "$(swift build -c release --package-path Benchmarks --show-bin-path)/DivakBenchmarks"
}

zipkin_go_build() {
    command -v go >/dev/null || { echo "no go on this machine"; return 1; }
    [ -d /usr/share/gocode/src/github.com/openzipkin/zipkin-go ] || { echo "zipkin-go is not installed"; return 1; }
    (cd bench/peers/zipkin-go && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$temporary/go" GOFLAGS= \
        go build -o "$temporary/zipkin-go" . 2>&1 | head -3)
    [ -x "$temporary/zipkin-go" ]
}

part_peers() {
    local reason line port best=0 rate count
    echo "## Peers, in the same run, doing the same work"
    echo
    echo "### LTTng-UST"
    echo
    if [ -x "$binaries/lttng" ]; then
        echo "| what | min ns | median ns | limit min | limit median | ratio of min | ratio of median | goal |"
        echo "|---|---|---|---|---|---|---|---|"
        bench/peers/lttng/run.sh "$binaries/lttng" 2>"$temporary/lttng.log" ||
            echo "| LTTng-UST, recorded | not measured: $(head -1 "$temporary/lttng.log") | | | | | | |"
    else
        echo "Not built: liblttng-ust-dev is not installed."
    fi
    echo
    echo "### zipkin-go"
    echo
    if ! reason=$(zipkin_go_build); then
        echo "Not built: $reason."
        return 0
    fi
    "$temporary/zipkin-go" cost
    echo
    "$binaries/sink" >"$temporary/sink" &
    sink=$!
    for _ in $(seq 50); do
        port=$(json port <"$temporary/sink")
        [ -n "$port" ] && break
        sleep 0.1
    done
    echo "| zipkin-go, HTTP reporter, JSON | spans a second | made | failed requests |"
    echo "|---|---|---|---|"
    for _ in 1 2 3; do
        line=$("$temporary/zipkin-go" deliver "http://127.0.0.1:$port/api/v2/spans" 200000)
        rate=$(awk -v spans="$(json spans <<<"$line")" -v seconds="$(json seconds <<<"$line")" 'BEGIN { printf "%d", spans / seconds }')
        [ "$rate" -gt "$best" ] && best=$rate
        echo "| one run | $rate | $(json spans <<<"$line") | $(json failed <<<"$line") |"
    done
    kill "$sink"
    wait "$sink" 2>/dev/null
    sink=
    count=$(tail -1 "$temporary/sink" | json spans)
    echo
    echo "The sink counted $count of 600000."
    if [ "$delivered_json" -gt 0 ]; then
        echo
        echo "Divak over zipkin-go, spans delivered a second as JSON:" \
            "$(awk -v ours="$delivered_json" -v theirs="$best" 'BEGIN { printf "%.1f", ours / theirs }') times; goal 20."
    fi
}

if [ "${1:-}" = --list ]; then
    printf '%s\n' "${parts[@]}"
    exit 0
fi
is_whole=yes
if [ $# -gt 0 ]; then
    for part in "$@"; do
        declare -F "part_$part" >/dev/null || { echo "bench: no part \"$part\"; there are: ${parts[*]}" >&2; exit 2; }
    done
    parts=("$@") is_whole=
fi

divak_build release bench -DDIVAK_BENCH=ON -DDIVAK_TESTS=OFF -DDIVAK_EXAMPLES=OFF >"$logs/bench-build.log" 2>&1 ||
    { tail -n 40 "$logs/bench-build.log"; echo "bench: the build failed"; exit 1; }

failures=0
report=$temporary/report.md
measure() {
    echo "# Figures of one machine"
    echo
    machine
    for part in "${parts[@]}"; do
        local began=$SECONDS
        echo
        "part_$part" || { echo; echo "The part $part ended with an error."; failures=$((failures + 1)); }
        echo "bench: $part took $((SECONDS - began)) s" >&2
    done
    echo "$failures" >"$temporary/failures"
}
measure 2>"$logs/bench.log" | tee "$report"
failures=$(cat "$temporary/failures" 2>/dev/null || echo 1)
if [ -n "$is_whole" ]; then
    results=${DIVAK_BENCH_RESULTS:-bench/results}
    mkdir -p "$results"
    file=$results/$(date -u +%Y-%m-%d)-$(git describe --always --abbrev=12 2>/dev/null || echo unknown).md
    cp "$report" "$file"
    echo
    echo "written to $file in $SECONDS s; what the programs said: build/logs/bench.log"
fi
[ "$failures" = 0 ]
