#!/usr/bin/env bash
# check-headers.sh - every public header alone as C11 and C++17, every private one as C11; then all of it from Swift.
# SPDX-License-Identifier: Apache-2.0
#
# Swift drops without a word what it can't read (variadic functions, _Atomic fields): a generated file names every
# function that the headers declare, and must compile.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
clang=$(divak_clang)
warnings=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only -x)

# compile COMMAND... - complains with the compiler's words when it fails.
compile() {
    if ! "$@" >"$work/out" 2>&1; then
        echo "headers: $*"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}

# A header of macros alone would leave the file empty, which ISO C forbids.
alone() {
    printf '#include "%s"\ntypedef int divak_not_empty;\n' "$1" >"$work/one.c"
}

count=0
for header in include/divak/*.h; do
    alone "divak/$(basename "$header")"
    compile gcc -std=c11 -Wstrict-prototypes -Iinclude "${warnings[@]}" c "$work/one.c"
    compile g++ -std=c++17 -Iinclude "${warnings[@]}" c++ "$work/one.c"
    compile "$clang" -std=c11 -Wstrict-prototypes -Iinclude "${warnings[@]}" c "$work/one.c"
    count=$((count + 1))
done
for header in csrc/*/*.h; do
    alone "${header#csrc/}"
    compile gcc -std=gnu11 -D_GNU_SOURCE -Icsrc -Iinclude "${warnings[@]}" c "$work/one.c"
    count=$((count + 1))
done

python3 - include/divak >"$work/All.swift" <<'PYTHON'
import pathlib, re, sys
names = set()
for header in sorted(pathlib.Path(sys.argv[1]).rglob("*.h")):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", "", text, flags=re.MULTILINE)
    names.update(re.findall(r"\bDIVAK_API\b[^;{(]*?\b(divak_\w+)\s*\(", text))
    names.update(re.findall(r"\bstatic\s+inline\b[^;{(]*?\b(divak_\w+)\s*\(", text))
print("import CDivak\n\nfunc namesEveryFunction() {")
for name in sorted(names):
    print(f"    _ = {name}")
print("}")
PYTHON
functions=$(grep -c '_ = ' "$work/All.swift" || true)
compile swiftc -typecheck -swift-version 6 -warnings-as-errors -module-cache-path build/module-cache \
    -I include "$work/All.swift"
[ "$functions" -gt 0 ] || { echo "headers: no function found"; failures=$((failures + 1)); }

echo "headers: $count headers, $functions functions seen from Swift, $failures failures"
[ $failures = 0 ]
