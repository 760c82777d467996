#!/usr/bin/env bash
# test.sh - the gate: every check a change must pass, in stages that name what failed.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/test.sh                 all stages, stopping at the first that fails
#     scripts/test.sh gcc swift       only these
#     scripts/test.sh -k              all, going on after one that fails
#     scripts/test.sh --list          what stages there are
#
# Everything goes below build/ (Swift's into .build/); the output of a stage is in build/logs/STAGE.log. The last line adds up all tests run:
# "N passed, N failed".
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

jobs=$(divak_jobs)
logs=$root/build/logs
stages=(layers lint gcc clang nocurl asan tsan fuzz model headers exports install swift swift-tsan docs frameworks integration tools web)

# Runs ctest in build/$1 with the further arguments. Its log holds what the test programs printed. Most of them wait most of
# the time: two for each processor.
run_ctest() {
    local folder=$root/build/$1 status=0
    shift
    rm -f "$folder/Testing/Temporary/LastTest.log"
    "${launcher[@]}" ctest --test-dir "$folder" -j $((2 * jobs)) --output-on-failure --no-tests=error "$@" || status=1
    # For the sum; the failed programs have printed theirs already.
    grep -hE '^[0-9]+ passed, [0-9]+ failed' "$folder/Testing/Temporary/LastTest.log" >"$logs/${stage}.counts"
    return $status
}
launcher=()

# Layers point down only, and each dangerous header has one home; first the check shows that it can fail.
stage_layers() {
    python3 scripts/check-layers.py --self-test && python3 scripts/check-layers.py
}

# What gets installed, as the stages that look at the result need it.
build_gcc() {
    divak_build release gcc -DDIVAK_WERROR=ON -DDIVAK_BENCH=ON -DCMAKE_C_COMPILER=gcc
}

# The released flags, by gcc with warnings as errors; all tests. The benchmarks are built too, lest they rot.
stage_gcc() {
    build_gcc && run_ctest gcc -L core
}

# The same sources through clang, with assertions on.
stage_clang() {
    local clang
    clang=$(divak_clang) || { echo "no clang: neither beside swift nor on PATH"; return 1; }
    divak_build dev clang -DCMAKE_C_COMPILER="$clang" && run_ctest clang -L core
}

# Without libcurl the rest still builds, and nothing asks for it.
stage_nocurl() {
    divak_build dev nocurl -DCMAKE_C_COMPILER=gcc -DDIVAK_WITH_CURL=OFF -DDIVAK_TESTS=OFF -DDIVAK_EXAMPLES=OFF || return 1
    if nm -u build/nocurl/libdivak.a | grep -w 'U curl_.*'; then
        echo "the library without libcurl asks for libcurl"
        return 1
    fi
}

# Memory errors, leaks and undefined behaviour.
stage_asan() {
    export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:${ASAN_OPTIONS:-}"
    export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
    divak_build asan asan -DCMAKE_C_COMPILER=gcc && run_ctest asan -L core
}

# Data races; slow, so one test for each processor. Where the kernel places memory too randomly for this ThreadSanitizer,
# without randomisation.
stage_tsan() {
    export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:die_after_fork=0:${TSAN_OPTIONS:-}"
    local probe=$root/build/tsan-probe
    echo 'int main(void) { return 0; }' | gcc -fsanitize=thread -x c - -o "$probe" || return 1
    if ! "$probe" && setarch "$(uname -m)" -R "$probe"; then
        launcher=(setarch "$(uname -m)" -R)
    fi
    divak_build tsan tsan -DCMAKE_C_COMPILER=gcc && run_ctest tsan -L core -j "$jobs"
}

# Every input that a fuzzer ever found worth keeping, again, under the same sanitizers.
stage_fuzz() {
    export ASAN_OPTIONS="detect_leaks=1:${ASAN_OPTIONS:-}"
    divak_build asan asan -DCMAKE_C_COMPILER=gcc && run_ctest asan -L fuzz
}

# The protocols of lane, slot, owner and sleep, every interleaving.
stage_model() {
    [ -x scripts/model.sh ] || { echo "scripts/model.sh is missing"; return 1; }
    scripts/model.sh
}

stage_headers() { scripts/check-headers.sh; }

stage_exports() {
    build_gcc && scripts/check-exports.sh build/gcc/libdivak.so
}

# Programs of a stranger against the installed library.
stage_install() {
    build_gcc && Tests/install/run.sh build/gcc build/install-test
}

# The form of Swift sources, as .swift-format says.
stage_lint() {
    find . \( -name '.build*' -o -path ./build \) -prune -o -name '*.swift' -print0 |
        xargs -0 swift format lint --strict --parallel
}

# The articles and comments of the Swift modules become documentation without a warning.
stage_docs() { scripts/docs.sh; }

# In .build, where SwiftPM puts things by itself: below any other folder of the package it takes what it has built for
# sources of the target at ".", and its second run fails with "unknown build description".
stage_swift() {
    local options=(-j "$jobs" -Xswiftc -warnings-as-errors)
    swift build "${options[@]}" && swift test "${options[@]}"
}

# Data races, in Swift and between Swift and C: a report ends the test program, and so the stage.
stage_swift-tsan() {
    export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:${TSAN_OPTIONS:-}"
    # Below .build, which SwiftPM leaves alone.
    local options=(-j "$jobs" -Xswiftc -warnings-as-errors --sanitize thread --scratch-path .build/tsan)
    swift build "${options[@]}" --build-tests && swift test "${options[@]}" --skip-build
}

# A user of Divak alone gets few packages; each companion product works with the real framework over loopback, and its
# documentation has no warning.
stage_frameworks() {
    Tests/consumers/run.sh || return 1
    divak_nested build Tests/framework-tests --build-tests && divak_nested test Tests/framework-tests --skip-build &&
        scripts/docs.sh companions
}

# Whole processes over real sockets; each folder of Tests/integration has a run.sh that is given the build folder. What
# their collectors got is decoded at the end.
stage_integration() {
    build_gcc || return 1
    local run count=0
    local -x DIVAK_KEEP_BODIES=$root/build/gcc/integration/bodies
    rm -rf "$DIVAK_KEEP_BODIES"
    mkdir -p "$DIVAK_KEEP_BODIES"
    for run in Tests/integration/*/run.sh; do
        [ -x "$run" ] || continue
        echo "== $run"
        "$run" "$root/build/gcc" || { echo "$run failed"; return 1; }
        count=$((count + 1))
    done
    echo "== Tests/integration/decoders/kept.sh"
    Tests/integration/decoders/kept.sh "$root/build/gcc" "$DIVAK_KEEP_BODIES" || return 1
    echo "$count integration tests run"
}

# The command, a package of its own; then its collector as a process.
stage_tools() {
    local program=$root/.build/nested/debug/divak
    divak_nested build Tools --build-tests && divak_nested test Tools --skip-build &&
        python3 Tools/Tests/process/run.py "$program" && python3 Tools/Tests/process/commands.py "$program" &&
        Tools/Tests/schemathesis/run.sh "$program" --seed 1 --max-time 20
}

# The trace view in a real browser, against the collector that the stage before built.
stage_web() {
    divak_nested build Tools --product divak && Tools/Tests/web/run.sh "$root/.build/nested/debug/divak"
}

if [ "${1:-}" = --list ]; then
    printf '%s\n' "${stages[@]}"
    exit 0
fi
keep_going=
if [ "${1:-}" = -k ]; then
    keep_going=yes
    shift
fi
if [ $# -gt 0 ]; then
    for stage in "$@"; do
        declare -F "stage_$stage" >/dev/null ||
            { echo "test: no stage \"$stage\"; there are: ${stages[*]}" >&2; exit 2; }
    done
    stages=("$@")
fi

mkdir -p "$logs"
passed=0 failed=0 began=$SECONDS
for stage in "${stages[@]}"; do
    log=$logs/$stage.log stage_began=$SECONDS
    rm -f "$logs/$stage.counts"
    printf '%-12s ' "$stage"
    # A subshell of its own: what a stage exports is not seen by the next.
    ("stage_$stage") >"$log" 2>&1 </dev/null
    status=$?
    counted=$log
    [ -s "$logs/$stage.counts" ] && counted=$logs/$stage.counts
    read -r stage_passed stage_failed < <(divak_count "$counted")
    passed=$((passed + stage_passed)) failed=$((failed + stage_failed))
    tests=
    [ $((stage_passed + stage_failed)) -gt 0 ] && tests="$stage_passed tests passed, $stage_failed failed"
    if [ $status != 0 ]; then
        echo "FAILED after $((SECONDS - stage_began)) s  $tests"
        tail -n 80 "$log" | sed -E 's/^/    /'
        echo "stage $stage failed; all of its output: build/logs/$stage.log; again: scripts/test.sh $stage"
        # A stage that failed without a failed test counts as one.
        [ "$stage_failed" -gt 0 ] || failed=$((failed + 1))
        [ -n "$keep_going" ] && continue
        break
    fi
    printf 'ok %5s s  %s\n' $((SECONDS - stage_began)) "$tests"
done
echo "took $((SECONDS - began)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
