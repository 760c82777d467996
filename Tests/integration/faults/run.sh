#!/usr/bin/env bash
# run.sh BUILD - the whole library against servers that misbehave: outcomes, accounts, deadlines, and the truth of flush.
# SPDX-License-Identifier: Apache-2.0
#
# Short runs of what scripts/prove.d runs at length. Times are printed; only a generous guard can fail here, since other
# programs may be using the machine.
set -uo pipefail
build=${1:-}
. "$(dirname "$0")/../lib.sh"
faults=$here/faults

for program in storm truth deadlines poison play outage; do
    build_program "$program" "$faults/$program.c" "$here"/collector*.c || exit 1
done

# last_figure NAME FILE - the number behind NAME in the last line of a program's output.
last_figure() { tail -n 1 "$2" | tr ' ' '\n' | grep -A1 -x "$1" | tail -n 1; }

# The outcome of each behaviour by itself.
"$python" "$faults/matrix.py" "$work/play" | tee "$work/matrix.out"
read -r passed _ failed _ < <(tail -n 1 "$work/matrix.out" | tr -d ,)

check "every span is accounted for under every fault" "$work/storm" "${DIVAK_STORM_SPANS:-10000}" 1
check "one bad span of 10,000 is lost alone" "$work/poison" 10000
check "flush tells the truth" "$work/truth" "${DIVAK_FLUSHES:-1500}"

"$work/deadlines" "${DIVAK_DEADLINES:-160}" | tee "$work/deadlines.out"
check "flush and shutdown keep their deadlines" test "$(last_figure worst "$work/deadlines.out")" -lt 1000000
"$work/deadlines" exit 60 | tee "$work/exits.out"
check "exit is bounded with the collector away" test "$(last_figure worst "$work/exits.out")" -lt 1000000
check "an idle exit is at once" test "$(last_figure idle "$work/exits.out")" -lt 500000

# Every malloc of the process where the heap is glibc's own; one life of so many, since all of them are scripts/prove.d's.
whose=(ours)
nm "$build/libdivak.a" 2>/dev/null | grep __asan_init >/dev/null || whose+=(all)
build_inside_program memory $([ ${#whose[@]} = 2 ] && echo -DMEMORY_OF_ALL) "$faults/memory.c" "$here"/collector*.c || exit 1
make_certificate memory
start_server "$python" "$here/fault_server.py"
check "any allocation may fail" "$work/memory" ours "http://127.0.0.1:$port/202/memory" - 2
[ ${#whose[@]} = 1 ] || check "any malloc may fail" "$work/memory" all "http://127.0.0.1:$port/202/memory" - 29
start_server "$python" "$here/fault_server.py" --tls "$work/memory.pem" "$work/memory.key"
check "any allocation may fail with https" "$work/memory" ours "https://127.0.0.1:$port/202/memory" "$work/memory.pem" 3

check "an outage is quiet, bounded, reported in band, and over soon after its end" "$work/outage" quiet 5 1000000
finish
