# The commands of this project; the work is done by scripts/ and CMake. Same names on every machine.
# SPDX-License-Identifier: Apache-2.0

PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help setup demo test bench prove build install clean

help:
	@echo 'make setup     install the Debian packages that are missing'
	@echo 'make demo      a shop in three services under load, its traces and what they cost'
	@echo 'make test      the gate: every check, every test'
	@echo 'make bench     the figures of this machine, beside their goals'
	@echo 'make prove     the long proofs: property, figure, goal'
	@echo 'make install   library, headers, CMake package, divak.pc and the command divak below PREFIX ($(PREFIX))'
	@echo 'make clean     remove build/, .build/ and Tools/.build/'

setup:
	@scripts/setup.sh

demo:
	@scripts/demo.sh

test: setup
	@scripts/test.sh

bench:
	@scripts/setup.sh bench
	@scripts/bench.sh

prove: setup
	@scripts/prove.sh

build:
	cmake --preset release -DCMAKE_INSTALL_PREFIX='$(PREFIX)'
	cmake --build --preset release
	@scripts/tools.sh build

install: build
	DESTDIR='$(DESTDIR)' cmake --install build/release --prefix '$(PREFIX)'
	@scripts/tools.sh install '$(DESTDIR)$(PREFIX)/libexec'
	@# Programs find the library once the loader's cache knows it.
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] || ldconfig

clean:
	rm -rf build .build Tools/.build
