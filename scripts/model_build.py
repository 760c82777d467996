#!/usr/bin/env python3
"""model_build.py - builds Tests/model/check: the real sources, instrumented, with the simulator in the system's place.

    scripts/model_build.py OUT          builds OUT/check, compiling only what has changed

The sources are compiled with -fsanitize=thread, but linked with Tests/model's runtime instead of the compiler's.
"""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNDER_TEST = ["csrc/api/*.c", "csrc/collect/*.c", "csrc/model/*.c", "csrc/base/*.c", "csrc/export/*.c", "csrc/wire/*.c",
              "Tests/model/scenario_*.c"]
# What the simulator stands for, and what speaks to the network.
REPLACED = {"csrc/base/system.c", "csrc/export/curl.c"}
COMMON = ["-std=gnu11", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]
PLAIN = COMMON + ["-O2"]


def instrumented(root):
    names = os.path.join(root, "Tests/model/simulator_names.h")
    return COMMON + ["-O1", "-fno-builtin", "-fsanitize=thread", "-include", names]


class Build:
    def __init__(self, root, out, jobs=None):
        self.root, self.out = root, out
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self.compiler = os.environ.get("DIVAK_MODEL_CC", "gcc")
        os.makedirs(out, exist_ok=True)
        self.units = {}  # object: (source, flags)
        for pattern in UNDER_TEST:
            for path in sorted(glob.glob(os.path.join(root, pattern))):
                source = os.path.relpath(path, root)
                if source not in REPLACED:
                    self.units[self.object_of(source)] = (source, instrumented(root))
        for path in sorted(glob.glob(os.path.join(root, "Tests/model/simulator*.c"))):
            source = os.path.relpath(path, root)
            self.units[self.object_of(source)] = (source, PLAIN)

    def object_of(self, source):
        return os.path.join(self.out, source.replace("/", "_")[:-2] + ".o")

    def dependencies(self, object_file):
        """The files that an object was made of, or None when it was not made yet."""
        try:
            text = open(object_file[:-2] + ".d").read()
        except OSError:
            return None
        return [word for word in text.split(":", 1)[1].replace("\\\n", " ").split()]

    def is_current(self, object_file):
        files = self.dependencies(object_file)
        if files is None or not os.path.exists(object_file):
            return False
        made = os.path.getmtime(object_file)
        return all(os.path.exists(file) and os.path.getmtime(file) <= made for file in files)

    def compile(self, object_file):
        source, flags = self.units[object_file]
        command = [self.compiler, *flags, "-I" + os.path.join(self.root, "csrc"),
                   "-I" + os.path.join(self.root, "include"), "-I" + os.path.join(self.root, "Tests/model"),
                   "-MMD", "-c", os.path.join(self.root, source), "-o", object_file]
        return subprocess.run(command, capture_output=True, text=True)

    def compile_all(self, objects):
        """Compiles these; the first error's text, or None."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for result in pool.map(self.compile, objects):
                if result.returncode != 0:
                    return result.stderr
        return None

    def link(self, program):
        result = subprocess.run([self.compiler, "-no-pie", "-o", program, *self.units, "-pthread", "-lm", "-ldl"],
                                capture_output=True, text=True)
        return result.stderr if result.returncode != 0 else None

    def update(self):
        error = self.compile_all([unit for unit in self.units if not self.is_current(unit)])
        return error or self.link(os.path.join(self.out, "check"))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    error = Build(ROOT, os.path.abspath(sys.argv[1])).update()
    if error:
        sys.exit(error)


if __name__ == "__main__":
    main()
