#!/usr/bin/env bash
# setup.sh - installs the Debian packages that are missing, by name, and says what it can't install.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/setup.sh            what building and testing need
#     scripts/setup.sh build      only what building needs
#     scripts/setup.sh bench      what the benchmarks compare with, besides
#
# Does nothing, and needs no network and no rights, when nothing is missing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# One line a package: its name, and a command that succeeds when what we need of it is there, from wherever.
build_packages='
cmake               command -v cmake
ninja-build         command -v ninja
gcc                 command -v gcc
g++                 command -v g++
libc6-dev           test -e /usr/include/stdio.h
pkg-config          command -v pkg-config
libcurl4-openssl-dev pkg-config --exists libcurl
python3             command -v python3
libsqlite3-dev      test -e /usr/include/sqlite3.h
zlib1g-dev          test -e /usr/include/zlib.h
'
test_packages='
binutils            command -v nm
util-linux          command -v setarch
spin                command -v spin
golang-go           command -v go
golang-github-openzipkin-zipkin-go-dev test -d /usr/share/gocode/src/github.com/openzipkin/zipkin-go
python3-yaml        /usr/bin/python3 -c "import yaml"
python3-jsonschema  /usr/bin/python3 -c "import jsonschema"
valgrind            command -v valgrind
strace              command -v strace
curl                command -v curl
chromium            command -v chromium
chromium-driver     command -v chromedriver
python3-venv        python3 -c "import ensurepip, venv"
'
bench_packages='
liblttng-ust-dev    pkg-config --exists lttng-ust
lttng-tools         command -v lttng
'

case ${1:-test} in
build) wanted=$build_packages ;;
test) wanted=$build_packages$test_packages ;;
bench) wanted=$build_packages$test_packages$bench_packages ;;
*)
    echo "setup: unknown set \"$1\": say build, test or bench" >&2
    exit 2
    ;;
esac
if ! divak_clang >/dev/null; then
    wanted+=$'clang command -v clang\n'
fi

# Prints the names of the packages that are missing.
find_missing() {
    local name probe
    while read -r name probe; do
        [ -n "$name" ] || continue
        bash -c "$probe" >/dev/null 2>&1 || echo "$name"
    done <<<"$wanted"
}

mapfile -t missing < <(find_missing)
if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "setup: please install what Debian calls: ${missing[*]}" >&2
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "setup: missing ${missing[*]}; run as root: apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "setup: installing ${missing[*]}"
    apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update >/dev/null || echo "setup: the package lists could not be renewed; trying with those at hand" >&2
    "${apt[@]}" install --no-install-recommends "${missing[@]}" >/dev/null
    mapfile -t missing < <(find_missing)
    if [ ${#missing[@]} -gt 0 ]; then
        echo "setup: installed, and yet not usable: ${missing[*]}" >&2
        exit 1
    fi
fi

if ! command -v swift >/dev/null; then
    echo "setup: Swift 6.2 or later is not on PATH. Debian 12 has no package of it: see https://www.swift.org/install" >&2
    exit 1
fi
