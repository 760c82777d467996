#!/usr/bin/env bash
# docs.sh - builds the DocC documentation of the Swift modules; a warning fails it.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/docs.sh                 into build/docs/Divak and so on
#     scripts/docs.sh Divak           only this module
#
# A module behind a trait is documented with its trait on, which fetches and builds what it stands on: those are built
# only where they are named.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

modules=("$@")
[ $# -gt 0 ] || modules=(Divak DivakTesting)
mkdir -p "$root/build/docs"
for module in "${modules[@]}"; do
    traits=()
    case $module in Divak | DivakTesting) ;; *) traits=(--traits "${module#Divak}") ;; esac
    # The plugin is a dependency only here: a user of the library never sees it.
    DIVAK_DOCS=1 swift package "${traits[@]}" --scratch-path .build-docs --allow-writing-to-directory "$root/build/docs" \
        generate-documentation --target "$module" --output-path "$root/build/docs/$module" --warnings-as-errors \
        --transform-for-static-hosting || { echo "docs: $module has warnings or errors"; exit 1; }
done
