#!/usr/bin/env python3
"""weaken.py - weakens every ordering of an atomic in csrc, one at a time, and expects the model check to turn red.

    scripts/weaken.py                 all of them
    scripts/weaken.py --sample 10     that many, spread evenly; the same ones each time
    scripts/weaken.py --only TEXT     those whose key contains TEXT
    scripts/weaken.py --list          only names them

A use is weakened in the source of a temporary copy: acquire or release becomes relaxed, of acquire_release first the one
half and then the other, a sequential fence and a barrier for all processors are taken away. The copy is compiled, and Tests/model/check runs it. A use
that stays green must be listed in scripts/weaken-allowed.txt by its key, with a proof that it is equivalent; one that is
listed must be there and stay green. A compile error is an error here, not a catch.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from model_build import ROOT, Build

ALLOWED = os.path.join(ROOT, "scripts/weaken-allowed.txt")

# macro: [(which half, what takes its place)]
WEAKER = {
    "divak_load_acquire": [("acquire", "divak_load_relaxed")],
    "divak_store_release": [("release", "divak_store_relaxed")],
    "divak_add_release": [("release", "divak_add_relaxed")],
    "divak_subtract_release": [("release", "divak_subtract_relaxed")],
    "divak_subtract_acquire_release": [("acquire", "divak_weak_subtract_release"),
                                       ("release", "divak_weak_subtract_acquire")],
    "divak_exchange_acquire_release": [("acquire", "divak_weak_exchange_release"),
                                       ("release", "divak_weak_exchange_acquire")],
    "divak_exchange_acquire": [("acquire", "divak_weak_exchange_relaxed")],
    "divak_cas_acquire": [("acquire", "divak_weak_cas_relaxed")],
    "divak_cas_weak_acquire": [("acquire", "divak_cas_weak_relaxed")],
    "divak_cas_weak_release": [("release", "divak_cas_weak_relaxed")],
    "divak_cas_acquire_release": [("acquire", "divak_weak_cas_release"), ("release", "divak_weak_cas_acquire")],
    "divak_cas_weak_acquire_release": [("acquire", "divak_weak_cas_weak_release"),
                                       ("release", "divak_weak_cas_weak_acquire")],
    "divak_fence_acquire": [("acquire", "divak_weak_no_fence")],
    "divak_fence_sequential": [("sequential", "divak_weak_no_fence")],
    "divak_system.barrier_everywhere": [("barrier", "divak_weak_no_barrier")],
}
# Fences that only a compiler sees matter to other threads where they pair with a barrier for all processors.
LIGHT_FENCES = {"csrc/collect/drain.c"}

EXCHANGE = "atomic_compare_exchange_%s_explicit((p), (e), (d), memory_order_%s, memory_order_%s)"
DEFINITIONS = """
#define divak_weak_subtract_release(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define divak_weak_subtract_acquire(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_acquire)
#define divak_weak_exchange_release(p, v) atomic_exchange_explicit((p), (v), memory_order_release)
#define divak_weak_exchange_acquire(p, v) atomic_exchange_explicit((p), (v), memory_order_acquire)
#define divak_weak_exchange_relaxed(p, v) atomic_exchange_explicit((p), (v), memory_order_relaxed)
#define divak_weak_cas_relaxed(p, e, d) """ + EXCHANGE % ("strong", "relaxed", "relaxed") + """
#define divak_weak_cas_release(p, e, d) """ + EXCHANGE % ("strong", "release", "relaxed") + """
#define divak_weak_cas_acquire(p, e, d) """ + EXCHANGE % ("strong", "acquire", "acquire") + """
#define divak_weak_cas_weak_release(p, e, d) """ + EXCHANGE % ("weak", "release", "relaxed") + """
#define divak_weak_cas_weak_acquire(p, e, d) """ + EXCHANGE % ("weak", "acquire", "acquire") + """
#define divak_weak_no_fence() ((void)0)
#define divak_weak_no_barrier() 0 /* as if it had been one */
"""

USE = re.compile(r"\b(divak_(?:load|store|add|subtract|exchange|cas|cas_weak)_(?:acquire|release|acquire_release)|"
                 r"divak_fence_(?:sequential|acquire)|divak_signal_fence|divak_system\.barrier_everywhere)\(")
FUNCTION = re.compile(r"^(?!#|\s|typedef|struct|enum|\}|/).*?\b(\w+)\((?!.*;\s*$)")


def argument(text, begin):
    """The first argument of a call whose opening parenthesis ends at `begin`."""
    depth, end = 0, begin
    while depth > 0 or text[end] not in ",)":
        depth += text[end] in "([{"
        depth -= text[end] in ")]}"
        end += 1
    return re.sub(r"\s+", " ", text[begin:end]).strip()


class Site:
    def __init__(self, file, begin, end, line, key, replacement):
        self.file, self.begin, self.end, self.line, self.key, self.replacement = file, begin, end, line, key, replacement


def without_comments(text):
    """The text with comments blanked, so that places stay the same."""
    return re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found.group()), text, flags=re.S)


def find_sites(root):
    sites, seen = [], {}
    for folder, _, names in sorted(os.walk(os.path.join(root, "csrc"))):
        for name in sorted(names):
            path = os.path.join(folder, name)
            file = os.path.relpath(path, root)
            if not name.endswith((".c", ".h")):
                continue
            text = without_comments(open(path).read())
            for found in USE.finditer(text):
                macro = found.group(1)
                weaker = WEAKER.get(macro)
                if macro == "divak_signal_fence":
                    if file not in LIGHT_FENCES:
                        continue
                    weaker = [("light", "divak_weak_no_fence")]
                lines = text[:found.start()].split("\n")
                if lines[-1].startswith("#define"):
                    continue
                function = "-"
                for line in reversed(lines[:-1]):
                    match = FUNCTION.match(re.sub(r"__attribute__\(\(\w+\)\)", "", line))
                    if match:
                        function = match.group(1)
                        break
                for half, replacement in weaker:
                    key = f"{file} | {function} | {macro}({argument(text, found.end())}) | {half}"
                    seen[key] = seen.get(key, 0) + 1
                    if seen[key] > 1:
                        key += f" | {seen[key]}"
                    sites.append(Site(file, found.start(1), found.end(1), len(lines), key, replacement))
    return sites


def read_allowed():
    """key: proof. A key stands at the left edge, its proof below it, indented."""
    allowed, key = {}, None
    for number, line in enumerate(open(ALLOWED), 1):
        if line.startswith("#") or not line.strip():
            continue
        if not line[0].isspace():
            key = line.strip()
            if key in allowed:
                sys.exit(f"{ALLOWED}:{number}: listed twice: {key}")
            allowed[key] = ""
        elif key is not None:
            allowed[key] += line.strip() + " "
    for key, proof in allowed.items():
        if len(proof) < 30:
            sys.exit(f"{ALLOWED}: no proof for: {key}")
    return allowed


def copy_tree(folder):
    for part in ("csrc", "include", "Tests/model"):
        shutil.copytree(os.path.join(ROOT, part), os.path.join(folder, part))
    with open(os.path.join(folder, "csrc/base/atomics.h"), "a") as atomics:
        atomics.write("#ifndef DIVAK_WEAK\n#define DIVAK_WEAK" + DEFINITIONS + "#endif\n")


def build_base():
    """The check of the tree as it is, in build/model, whose objects the workers begin with."""
    base = Build(ROOT, os.path.join(ROOT, "build/model/objects"))
    error = base.update()
    if error:
        sys.exit("the sources do not compile as they are:\n" + error)
    return base


def run_check(build, random, exhaustive, seed):
    environment = dict(os.environ, DIVAK_MODEL_QUIET="1")
    try:
        return subprocess.run([os.path.join(build.out, "check"), "--random", str(random), "--exhaustive",
                               str(exhaustive), "--seed", str(seed)],
                              env=environment, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 1, "FAILED no end within 600 s\n", "")


class Worker:
    """A copy of the tree with its objects, in which one use at a time is weaker."""

    def __init__(self, folder, base):
        self.folder = folder
        copy_tree(folder)
        if not all(base.is_current(unit) for unit in base.units):
            sys.exit("the sources have changed meanwhile: try again")
        self.build = Build(folder, os.path.join(folder, "objects"), 1)
        for unit in base.units:
            mine = os.path.join(self.build.out, os.path.basename(unit))
            shutil.copyfile(unit, mine)
            with open(unit[:-2] + ".d") as theirs, open(mine[:-2] + ".d", "w") as own:
                own.write(theirs.read().replace(ROOT + "/", folder + "/"))

    def run(self, site, rounds):
        """What was found: a text, or None when it stays green."""
        path = os.path.join(self.folder, site.file)
        original = open(path).read()
        affected = [unit for unit in self.build.units if path in (self.build.dependencies(unit) or [])]
        try:
            with open(path, "w") as file:
                file.write(original[:site.begin] + site.replacement + original[site.end:])
            error = self.build.compile_all(affected) or self.build.link(os.path.join(self.build.out, "check"))
            if error:
                sys.exit(f"{site.key}: does not compile:\n{error}")
            for seed, (random, exhaustive) in enumerate(rounds, 1):
                result = run_check(self.build, random, exhaustive, seed)
                if result.returncode != 0:
                    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
                    return failed[0][7:] if failed else f"exit status {result.returncode}"
            return None
        finally:
            with open(path, "w") as file:
                file.write(original)
            for unit in affected:
                self.build.compile(unit)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", action="store_true", help="end with a row for scripts/prove.sh")
    options = parser.parse_args()

    sites = find_sites(ROOT)
    allowed = read_allowed()
    keys = {site.key for site in sites}
    stale = [key for key in allowed if key not in keys]
    for key in stale:
        print(f"stale: {key}: listed in weaken-allowed.txt, but no such use is in the sources")
    if options.list:
        for site in sites:
            print(site.key + ("   (listed)" if site.key in allowed else ""))
        sys.exit(1 if stale else 0)
    chosen = [site for site in sites if options.only in site.key]
    if options.sample:
        candidates = [site for site in chosen if site.key not in allowed]
        step = max(1, len(candidates) // options.sample)
        chosen = candidates[step // 2::step][:options.sample]
    rounds = [(1500, 1500), (8000, 6000), (50000, 25000)]

    began = time.monotonic()
    caught, equivalent, missed, wrongly_listed = 0, 0, [], []
    processors = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="divak-weaken-") as folder:
        base = build_base()
        free = [Worker(os.path.join(folder, str(i)), base) for i in range(processors)]

        # What is red by itself would catch everything.
        baseline = run_check(base, *rounds[1], 1)
        if baseline.returncode != 0:
            print(baseline.stdout)
            print("red before anything was weakened\n0 passed, 1 failed")
            sys.exit(1)

        def work(site):
            worker = free.pop()
            try:
                return worker.run(site, rounds[:2] if site.key in allowed else rounds)
            finally:
                free.append(worker)

        with concurrent.futures.ThreadPoolExecutor(processors) as pool:
            for site, found in zip(chosen, pool.map(work, chosen)):
                place = f"{site.file}:{site.line}"
                if found is not None and site.key in allowed:
                    wrongly_listed.append(site)
                    print(f"LISTED AS EQUIVALENT, BUT CAUGHT  {site.key}  ({place})\n        {found}")
                elif found is not None:
                    caught += 1
                    print(f"caught      {site.key}\n        {found}")
                elif site.key in allowed:
                    equivalent += 1
                    print(f"equivalent  {site.key}")
                else:
                    missed.append(site)
                    print(f"NOT CAUGHT  {site.key}  ({place})")
                sys.stdout.flush()
    took = time.monotonic() - began
    print(f"{len(chosen)} weakenings in {took:.0f} s: {caught} caught, {equivalent} equivalent, {len(missed)} missed, "
          f"{len(wrongly_listed)} wrongly listed, {len(stale)} stale")
    failed = bool(missed or wrongly_listed or stale)
    if options.table:
        print(f"weakened orderings caught, equivalent ones left out | {caught} of {caught + len(missed)} | all | "
              f"{'FAIL' if failed else 'ok'}")
    print(f"{caught + equivalent} passed, {len(missed) + len(wrongly_listed) + len(stale)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
