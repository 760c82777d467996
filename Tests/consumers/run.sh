#!/usr/bin/env bash
# run.sh - a user of Divak alone gets no more than that: few packages, built soon.
# SPDX-License-Identifier: Apache-2.0
#
#     Tests/consumers/run.sh
#
# Builds the package `alone` from nothing, as a stranger's machine would. Seconds are those of the processors, which
# count the same whatever else the machine does; with two of them the clock shows about half.
set -uo pipefail
cd "$(dirname "$0")/alone" || exit 1
packages_allowed=3 seconds_allowed=60
passed=0 failed=0

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

rm -rf .build Package.resolved
TIMEFORMAT='%R %U %S'
times=$({ time swift build >build.log 2>&1; } 2>&1)
status=$?
read -r clock user system <<<"$times"
tail -n 3 build.log
[ "$status" = 0 ] || cat build.log
rm -f build.log
packages=$(grep -c '"identity"' Package.resolved)
echo "$packages packages: $(sed -nE 's/.*"identity" : "([^"]*)".*/\1/p' Package.resolved | paste -sd' ')"
echo "built in $clock s, in which the processors worked $user + $system s"

check "a program of another package builds with Divak" test "$status" = 0
check "a user of Divak alone resolves at most $packages_allowed packages" test "$packages" -le $packages_allowed
check "a user of Divak alone builds in less than $seconds_allowed s" \
    awk -v used="$user" -v more="$system" -v most="$seconds_allowed" 'BEGIN { exit !(used + more < most) }'
output=$(.build/debug/alone)
echo "$output"
check "the program runs and reports its span" grep -q hello <<<"$output"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
