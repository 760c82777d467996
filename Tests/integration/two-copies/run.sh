#!/usr/bin/env bash
# run.sh BUILD - a Swift program and a C library of its process have a copy of the core each, and one current span.
# SPDX-License-Identifier: Apache-2.0
#
# Installs the build, makes a C library that stands on the installed libdivak.so, and a Swift program with the core that
# `swift build` compiled into it: against the modules and objects that lie there, for a package of its own would compile
# everything once more. run.py runs both against a collector on loopback. DIVAK_SWIFT_SCRATCH names another folder than
# .build for Swift's part.
set -uo pipefail
build=${1:-}
. "$(dirname "$0")/../lib.sh"
cd "$root" || exit 1

test=$here/two-copies
out=$work/two-copies
rm -rf "$out"
mkdir -p "$out"
cmake --install "$build" --prefix "$out/prefix" >"$out/install.log" || { cat "$out/install.log"; exit 1; }
libraries=$(dirname "$(find "$out/prefix" -name libdivak.so)")
export PKG_CONFIG_PATH=$libraries/pkgconfig
read -r -a cflags < <(pkg-config --cflags divak)
read -r -a libs < <(pkg-config --libs divak)

"${CC:-cc}" -std=gnu11 -O2 -g -Wall -Wextra -Werror -shared -fPIC "${cflags[@]}" "$test/peer.c" -o "$out/libpeer.so" \
    "${libs[@]}" -Wl,-rpath,"$libraries" || exit 1

# A C program with the static library, as pkg-config says it is linked; and one that exports what it has of it.
read -r -a static_libs < <(pkg-config --libs-only-l --libs-only-other --static divak | sed "s|-ldivak|$libraries/libdivak.a|")
c_program() {
    "${CC:-cc}" -std=gnu11 -O2 -g -Wall -Wextra -Werror "${cflags[@]}" "$test/$2" -o "$out/$1" -L"$out" -lpeer \
        -Wl,-rpath,"$out" "${@:3}" || exit 1
}
c_program handles handles.c "${static_libs[@]}"
c_program exporting handles.c -rdynamic "$libraries/libdivak.a" -lcurl -pthread -lm -ldl

# The library of another version of what copies say to one another: the number in its note is 2.
mkdir "$out/other"
"$python" - "$libraries/libdivak.so" "$out/other/libdivak.so.0" <<'PYTHON' || exit 1
import sys
data = bytearray(open(sys.argv[1], "rb").read())
note = data.find(b"\x06\0\0\0\x08\0\0\0\x01\0\0\0Divak\0")
assert note > 0, "there is no note in the library"
data[note + 8] = 2
open(sys.argv[2], "wb").write(data)
PYTHON

options=()
[ -z "${DIVAK_SWIFT_SCRATCH:-}" ] || options=(--scratch-path "$DIVAK_SWIFT_SCRATCH")
swift build "${options[@]}" --product Divak >"$out/swift.log" 2>&1 || { cat "$out/swift.log"; exit 1; }
bin=$(swift build "${options[@]}" --show-bin-path)
mapfile -t objects < <(find "$bin"/*.build -name '*.o' -not -path '*Test*')

# swift_program NAME OPTION... - the program, linked as the options say.
swift_program() {
    swiftc -swift-version 6 -warnings-as-errors -module-cache-path "$work/docs/cache" -I "$bin/Modules" -I include \
        "$test/main.swift" "${objects[@]}" -lcurl -lm -o "$out/$1" "${@:2}" || exit 1
}
swift_program linked -Xlinker --no-as-needed -L"$out" -lpeer -Xlinker -rpath -Xlinker "$out"
swift_program opening

exec "$python" "$test/run.py" "$out"
