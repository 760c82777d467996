# lib.sh - what the other scripts share: where the project is, how to find clang, how to count tests. Sourced by bash.
# SPDX-License-Identifier: Apache-2.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

# As many jobs as this process may use processors, two at least.
divak_jobs() {
    local count
    count=$(nproc 2>/dev/null || echo 2)
    echo $((count < 2 ? 2 : count))
}

# The clang beside `swift`, which compiles the C core for Swift programs, else the one on PATH; fails when there is none.
divak_clang() {
    local swift
    if swift=$(command -v swift) && swift=$(readlink -f "$swift") && [ -x "$(dirname "$swift")/clang" ]; then
        echo "$(dirname "$swift")/clang"
    else
        command -v clang
    fi
}

# divak_configure PRESET FOLDER [OPTION...] - configures and builds the tree as the preset says into build/FOLDER.
divak_build() {
    local preset=$1 folder=$root/build/$2
    shift 2
    (cd "$root" && cmake --preset "$preset" -B "$folder" "$@") || return 1
    cmake --build "$folder" -j "$(divak_jobs)"
}

# divak_nested build|test PACKAGE [OPTION...] - a package within this one, built below .build/nested: they stand on the same
# frameworks, and a build of those takes minutes. Without the option SwiftPM takes the plan of the package before for this one's.
divak_nested() {
    local command=$1 package=$2
    shift 2
    swift "$command" --package-path "$root/$package" --scratch-path "$root/.build/nested" \
        --disable-build-manifest-caching -j "$(divak_jobs)" -Xswiftc -warnings-as-errors "$@"
}

# divak_count FILE... - adds up every closing line "N passed, N failed" (the C tests') and the closing lines of
# `swift test`, and prints "PASSED FAILED".
divak_count() {
    cat -- "$@" /dev/null 2>/dev/null | LC_ALL=C awk '
        /^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3 }
        /Test run with [0-9]+ tests? .*(passed|failed) after/ {
            match($0, /with [0-9]+ test/)
            total += substr($0, RSTART + 5, RLENGTH - 10)
        }
        / Test .* failed after .*issue/ && !/Test run with/ { swift_failed++ }
        END { print passed + total - swift_failed, failed + swift_failed }'
}
