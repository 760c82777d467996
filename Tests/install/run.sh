#!/usr/bin/env bash
# run.sh BUILD WORK - installs a build the way a packager does, and builds a stranger's programs against it.
# SPDX-License-Identifier: Apache-2.0
#
# Three ways in: find_package, pkg-config and as a subproject, each with the shared and the static library, each in C and
# in C++. The tree is staged with DESTDIR and then found where it was staged: nothing installed may know where it was built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?run.sh: say the build folder}" && pwd)
mkdir -p "${2:?run.sh: say a folder for the work}"
work=$(cd "$2" && pwd)
rm -rf "$work"
mkdir -p "$work"

count=0
# run NAME COMMAND... - runs a consumer; it must exit with 0: its span arrived, and the version is that of the package.
run() {
    local name=$1 said
    shift
    said=$("$@") || { echo "install: $name failed: $said"; echo "$count passed, 1 failed"; exit 1; }
    echo "install: $name: $said"
    count=$((count + 1))
}

prefix=$work/stage/usr/local
DESTDIR=$work/stage cmake --install "$build" --prefix /usr/local >"$work/install.log"
libdir=$(dirname "$(find "$prefix" -name libdivak.a)")

if grep -rIlF -e "$build" -e "$work" "$prefix/include" "$libdir/cmake" "$libdir/pkgconfig"; then
    echo "install: these installed files know where they were built"
    exit 1
fi

# Through find_package.
cmake -S "$here/consumer" -B "$work/find-package" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_PREFIX_PATH="$prefix" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/find-package" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
for program in c_shared c_static cxx_shared cxx_static; do
    run "find_package $program" "$work/find-package/$program"
done

# As a subproject.
cmake -S "$here/consumer" -B "$work/subproject" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DDIVAK_SOURCE="$(cd "$here/../.." && pwd)" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/subproject" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
for program in c_shared c_static cxx_shared cxx_static; do
    run "subproject $program" "$work/subproject/$program"
done

# Through pkg-config, with nothing but a compiler.
export PKG_CONFIG_PATH=$libdir/pkgconfig
read -r -a cflags < <(pkg-config --cflags divak)
read -r -a libs < <(pkg-config --libs divak)
read -r -a static_libs < <(pkg-config --libs-only-l --libs-only-other --static divak | sed "s|-ldivak|$libdir/libdivak.a|")
version=$(pkg-config --modversion divak)
expected="-DEXPECTED_VERSION=\"$version\""
gcc -std=c11 -Wall -Wextra -Werror "$expected" "${cflags[@]}" "$here/consumer/main.c" -o "$work/c_shared" "${libs[@]}"
g++ -std=c++17 -Wall -Wextra -Werror "$expected" "${cflags[@]}" "$here/consumer/main.cpp" -o "$work/cxx_shared" "${libs[@]}"
gcc -std=c11 -Wall -Wextra -Werror "$expected" "${cflags[@]}" "$here/consumer/main.c" -o "$work/c_static" "${static_libs[@]}"
g++ -std=c++17 -Wall -Wextra -Werror "$expected" "${cflags[@]}" "$here/consumer/main.cpp" -o "$work/cxx_static" "${static_libs[@]}"
for program in c_shared c_static cxx_shared cxx_static; do
    run "pkg-config $program" env LD_LIBRARY_PATH="$libdir" "$work/$program"
done
readelf -d "$work/c_shared" | grep -q "NEEDED.*libdivak\.so\.${version%%.*}" ||
    { echo "install: the soname is not what a program asks for"; exit 1; }
echo "$count passed, 0 failed"
