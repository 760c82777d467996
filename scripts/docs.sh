#!/usr/bin/env bash
# docs.sh - builds the DocC documentation of the Swift modules; a warning fails it, or a public symbol without a comment.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/docs.sh                 Divak and DivakTesting, into build/docs/Divak and so on
#     scripts/docs.sh DivakGRPC       only this module
#     scripts/docs.sh companions      all modules behind traits, and the examples of the article about them
#
# The modules behind traits are taken from Tests/framework-tests, where all traits are on and which is built anyway: its
# first build takes minutes, what comes after it seconds.
set -uo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root" || exit 1

companions=(DivakServiceLifecycle DivakHummingbird DivakAsyncHTTPClient DivakGRPC DivakURLSession)
package=Tests/framework-tests
modules=("$@")
[ $# -gt 0 ] || modules=(Divak DivakTesting)
[ "${1:-}" != companions ] || modules=("${companions[@]}")
mkdir -p "$root/build/docs"

# By the plugin, which is a dependency only here: a user of the library never sees it.
document() {
    DIVAK_DOCS=1 swift package --scratch-path .build-docs --allow-writing-to-directory "$root/build/docs" \
        generate-documentation --target "$1" --output-path "$root/build/docs/$1" --warnings-as-errors \
        --transform-for-static-hosting
}

# Builds what the companions stand on, once, and finds out how to read it.
prepare_companions() {
    [ ${#modules_are[@]} -eq 0 ] || return 0
    local built triple file
    # As the stage `frameworks` builds it, so that nothing is built twice.
    divak_nested build "$package" --build-tests || return 1
    built=$(divak_nested build "$package" --show-bin-path) || return 1
    triple=$(swift -print-target-info | sed -nE 's/.*"unversionedTriple": "([^"]*)".*/\1/p')
    modules_are=(-target "$triple" -I "$built/Modules" -I include)
    # The C modules below the frameworks: those that have a map, and those that SwiftPM writes one for.
    while read -r file; do
        modules_are+=(-I "$(dirname "$file")")
    done < <(find -L .build/nested/checkouts -path '*/Sources/*' -name module.modulemap)
    for file in "$built"/*.build/module.modulemap; do modules_are+=(-Xcc "-fmodule-map-file=$file"); done
}
modules_are=()

# What a user is told to write is what the compiler takes.
check_examples() {
    prepare_companions || return 1
    python3 Tests/docs/extract.py articles Sources/Divak/Divak.docc/Frameworks.md >build/docs/frameworks.swift || return 1
    swiftc -swift-version 6 -typecheck "${modules_are[@]}" build/docs/frameworks.swift
}

# Out of a module that is built: its symbols, which hold the comments, through the same DocC.
document_companion() {
    local symbols=$root/build/symbols/$1
    prepare_companions || return 1
    rm -rf "$symbols" && mkdir -p "$symbols" || return 1
    swift symbolgraph-extract -minimum-access-level public -emit-extension-block-symbols "${modules_are[@]}" \
        -module-name "$1" -output-dir "$symbols" || return 1
    "$(dirname "$(readlink -f "$(command -v swift)")")/docc" convert --additional-symbol-graph-dir "$symbols" \
        --fallback-display-name "$1" --fallback-bundle-identifier "$1" --output-path "$root/build/docs/$1" \
        --warnings-as-errors --transform-for-static-hosting
}

scripts/check-documented.py --self-test || exit 1
for module in "${modules[@]}"; do
    how=document symbols=.build-docs
    [[ " ${companions[*]} " != *" $module "* ]] || how=document_companion symbols=build/symbols/$module
    $how "$module" || { echo "docs: $module has warnings or errors"; exit 1; }
    scripts/check-documented.py "$module" "$symbols" || exit 1
done
if [ "${1:-}" = companions ]; then
    check_examples || { echo "docs: an example of Frameworks.md does not compile"; exit 1; }
fi
