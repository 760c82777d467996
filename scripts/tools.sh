#!/usr/bin/env bash
# tools.sh - builds the command's Swift part as it is installed, and installs it beside the C part.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/tools.sh build                          into Tools/.build; the first time takes some minutes
#     scripts/tools.sh install /usr/local/libexec     what was built, as divak/divak-tools below that folder
#
# Without Swift both say so and do nothing: `divak exec`, which is C, works without it. What was built before is
# installed all the same, for sudo may hide Swift.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Swift's own libraries are linked in: the program runs where no Swift is.
build=(swift build --package-path "$root/Tools" -c release --static-swift-stdlib -j "$(divak_jobs)")
program=$root/Tools/.build/release/divak

case ${1:-} in
build)
    if ! command -v swift >/dev/null; then
        [ ! -x "$program" ] || exit 0
        echo "tools: swift is not on PATH: of the command divak only \"divak exec\" is built" >&2
        exit 0
    fi
    "$root/scripts/setup.sh" build
    "${build[@]}" --product divak
    ;;
install)
    folder=${2:?tools: say the folder to install into}
    if [ ! -x "$program" ]; then
        echo "tools: $program was not built: of the command divak only \"divak exec\" is installed" >&2
        exit 0
    fi
    # -s: without the names of its parts it is little more than half as large.
    install -D -s -m 755 "$program" "$folder/divak/divak-tools"
    echo "-- Installing: $folder/divak/divak-tools"
    ;;
*)
    echo "tools: unknown command \"${1:-}\": say build or install" >&2
    exit 2
    ;;
esac
