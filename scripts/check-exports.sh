#!/usr/bin/env bash
# check-exports.sh LIBRARY - what the shared object shows, and what it may not call.
# SPDX-License-Identifier: Apache-2.0
#
# Exported is exactly what include/divak declares with DIVAK_API, neither less nor more. Nothing that would take the
# host down is imported. The object says that it must never be unloaded, and its soname has the major version.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
export LC_ALL=C

library=${1:?check-exports: say which library}
failures=0
complain() {
    echo "exports: $*"
    failures=$((failures + 1))
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The names after DIVAK_API, whatever their return type, up to the bracket; extern objects end in ; or [ instead.
python3 - "$root/include/divak" >"$work/declared" <<'PYTHON'
import pathlib, re, sys
for header in sorted(pathlib.Path(sys.argv[1]).rglob("*.h")):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", "", text, flags=re.MULTILINE)
    for match in re.finditer(r"\bDIVAK_API\b([^;{]*)", text):
        name = re.search(r"\b(divak_\w+)\s*(?:\(|\[|$)", match.group(1).strip())
        print(name.group(1) if name else f"unreadable declaration in {header.name}: {match.group(0)!r}")
PYTHON
sort -u -o "$work/declared" "$work/declared"

# A defined symbol of the version node itself (DIVAK_0) is absolute: kind A.
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$work/exported"
nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort -u >"$work/imported"

while read -r name; do complain "exported, but no public header declares it: $name"; done \
    < <(comm -23 "$work/exported" "$work/declared")
while read -r name; do complain "declared with DIVAK_API, but not exported: $name"; done \
    < <(comm -13 "$work/exported" "$work/declared")
[ -s "$work/exported" ] || complain "nothing is exported"

fatal='abort|exit|_exit|_Exit|quick_exit|__assert_fail|__assert|raise|__stack_chk_fail_local|__fortify_fail'
while read -r name; do complain "imported, although it ends the host: $name"; done \
    < <(grep -xE "$fatal" "$work/imported" || true)

dynamic=$(readelf -dW "$library")
grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" || complain "lacks -z nodelete"
grep -qE 'SONAME.*\[libdivak\.so\.[0-9]+\]' <<<"$dynamic" || complain "has no soname libdivak.so.MAJOR"
if grep -qE '\((RPATH|RUNPATH)\)' <<<"$dynamic"; then complain "carries a run path"; fi

echo "exports: $(wc -l <"$work/exported") functions, $failures violations"
[ $failures = 0 ]
