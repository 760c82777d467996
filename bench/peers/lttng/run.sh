#!/usr/bin/env bash
# run.sh - one session of LTTng-UST around the peer's program: rows of a table on standard output.
# SPDX-License-Identifier: Apache-2.0
#
#     run.sh PROGRAM
#
# Uses a session daemon of its own, which it starts and ends; where one runs already (one a user), a session in that
# one. Buffers: one for each processor, 4 sub-buffers of 4 MiB, the newest event is discarded when they are full; the
# consumer daemon writes to a temporary folder. Exit status 3 and a reason when LTTng does not work here.
set -uo pipefail

program=$1
folder=$(mktemp -d)
session=divak-bench-$$
daemon=
log=$folder/log
[ "$(id -u)" = 0 ] || export LTTNG_HOME=$folder # sockets in there: a daemon of our own

finish() {
    lttng --no-sessiond destroy "$session" >/dev/null 2>&1
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
    fi
    rm -rf "$folder"
}
trap finish EXIT

give_up() {
    echo "LTTng: $1" >&2
    tail -n 5 "$log" >&2
    exit 3
}

"$program" || exit 1 # disabled

if ! lttng --no-sessiond list >/dev/null 2>&1; then
    lttng-sessiond --no-kernel >"$log" 2>&1 &
    daemon=$!
    for _ in $(seq 50); do
        lttng --no-sessiond list >/dev/null 2>&1 && break
        kill -0 "$daemon" 2>/dev/null || give_up "the session daemon ended"
        sleep 0.1
    done
fi
{
    lttng --no-sessiond create "$session" --output="$folder/trace" &&
        lttng --no-sessiond enable-channel --userspace --session="$session" --buffers-uid --discard \
            --subbuf-size=4M --num-subbuf=4 spans &&
        lttng --no-sessiond enable-event --userspace --session="$session" --channel=spans 'divak_bench:span' &&
        lttng --no-sessiond start "$session"
} >"$log" 2>&1 || give_up "no session"
# The program waits for its registration before main.
LTTNG_UST_REGISTER_TIMEOUT=3000 "$program" || exit 1
lttng --no-sessiond stop "$session" >/dev/null 2>&1
lost=$(lttng --no-sessiond list "$session" 2>/dev/null | sed -n 's/.*Discarded events: *//p' | head -1)
echo
echo "LTTng-UST discarded ${lost:-?} events; $(du -sk "$folder/trace" | cut -f1) KiB were written."
