# lib.sh - what the integration tests share: building a program against a build folder, servers, and the count at the
# end. Sourced by bash, with the build folder in $build.
# SPDX-License-Identifier: Apache-2.0

[ -n "${root:-}" ] || root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/Tests/integration
build=$(readlink -f "${build:-$root/build/gcc}")
work=$build/integration
mkdir -p "$work"
passed=0 failed=0
servers=()
launch=() # what programs of run_program are started by

# The python that sees Debian's packages.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

# build_program NAME SOURCE... - compiles against libdivak.so of the build folder, as a user's program is; with the
# sanitizers of that build, if it has any.
build_program() {
    local name=$1 flags=()
    shift
    nm "$build/libdivak.so" | grep __asan_init >/dev/null && flags=(-fsanitize=address,undefined -fno-sanitize-recover=all)
    "${CC:-cc}" -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Werror "${flags[@]}" -I"$root/include" -I"$here" "$@" \
        -o "$work/$name" -L"$build" -ldivak -Wl,-rpath,"$build" -pthread -lm
}

# build_inside_program NAME SOURCE... - the same with the static library, for programs that reach below the interface, to
# the seams of csrc/base.
build_inside_program() {
    local name=$1 flags=()
    shift
    nm "$build/libdivak.a" 2>/dev/null | grep __asan_init >/dev/null && flags=(-fsanitize=address,undefined -fno-sanitize-recover=all)
    "${CC:-cc}" -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Werror "${flags[@]}" -I"$root/include" -I"$root/csrc" \
        -I"$here" "$@" -o "$work/$name" "$build/libdivak.a" -pthread -lm -lcurl -ldl
}

# build_decoder - $work/decode, which reads bodies with Debian's zipkin-go.
build_decoder() {
    (cd "$here/decoders" && GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= GOCACHE="$work/go-cache" \
        go build -o "$work/decode" decode.go)
}

# start_server COMMAND... - starts a server that prints "PORT n" and ends when its standard input closes; its port is
# in $port then, its process in $server.
start_server() {
    local pipe
    pipe=$(mktemp -u "$work/pipe.XXXXXX")
    mkfifo "$pipe" "$pipe.out"
    "$@" <"$pipe" >"$pipe.out" &
    server=$!
    servers+=("$server")
    exec {server_input}>"$pipe" {server_output}<"$pipe.out"
    rm -f "$pipe" "$pipe.out"
    read -r -t 20 _ port <&"$server_output" || { echo "the server did not start: $*"; exit 1; }
}

# make_certificate NAME - a certificate for 127.0.0.1 that nobody but itself vouches for: $work/NAME.pem and .key.
make_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$work/$1.pem" -days 2 -subj /CN=127.0.0.1 \
        -addext subjectAltName=IP:127.0.0.1 2>/dev/null || { echo "no certificate could be made"; exit 1; }
}

stop_servers() {
    local one
    for one in "${servers[@]}"; do kill "$one" 2>/dev/null; done
    servers=()
}
trap stop_servers EXIT

# check NAME COMMAND... - runs a command; it passes when its exit status is 0.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $name"
    fi
}

# finish - the line that the gate adds up, and the exit status.
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# For scripts/prove.d: runs programs at length and prints what they found as lines of the table.

# run_program NAME ARGUMENT... - builds Tests/integration/faults/NAME.c, runs it, and keeps its output for `figure`.
run_program() {
    build_program "$1" "$here/faults/$1.c" "$here"/collector*.c || exit 1
    run_built "$@"
}

# run_built NAME ARGUMENT... - the same with a program that is there already.
run_built() {
    local name=$1
    shift
    "${launch[@]}" "$work/$name" "$@" | tee "$work/$name.out"
    program_status=${PIPESTATUS[0]}
    last_line=$(tail -n 1 "$work/$name.out")
}

# figure NAME - the word after NAME in the last line of the program's output.
figure() { sed -nE "s/(^|.* )$1 ([^ ]+).*/\2/p" <<<"$last_line"; }

# row PROPERTY FIGURE GOAL COMMAND... - a line of the table; ok when the command succeeds.
row() {
    local property=$1 found=$2 goal=$3 verdict=FAIL
    shift 3
    "$@" && verdict=ok
    echo "$property | $found | $goal | $verdict"
}

# at_most A B - whether the number A is at most B; never when A is none.
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a ~ /^-?[0-9.]+$/ && a + 0 <= b + 0) }'; }
