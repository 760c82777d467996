#!/usr/bin/env python3
"""Refuses an include that points up or sideways, and a dangerous header or call outside of its one home.

SPDX-License-Identifier: Apache-2.0

    scripts/check-layers.py [ROOT]        checks the tree, prints each violation, exits 1 if there is any
    scripts/check-layers.py --self-test   plants one violation of each kind and expects to be told of every one
"""

import pathlib
import re
import sys
import tempfile

# Who may include whom; a layer may always include itself. wire and collect are siblings and never meet.
BELOW = {
    "base": set(),
    "model": {"base"},
    "wire": {"base", "model"},
    "collect": {"base", "model"},
    "export": {"base", "model", "wire", "collect"},
    "api": {"base", "model", "wire", "collect", "export"},
}

# Headers with one home, so that one grep shows all uses and one seam lets tests make them fail.
HOMES = {
    "stdatomic.h": {"csrc/base/atomics.h"},
    "pthread.h": {"csrc/base/thread.h", "csrc/base/thread.c"},
    "threads.h": set(),
    "time.h": {"csrc/base/clock.c"},
    "sys/time.h": {"csrc/base/clock.c"},
    "curl/curl.h": {"csrc/export/curl.c"},
}

# Calls with one home. A leading dot or arrow means a table entry of that name, which is exactly how it should be.
ALLOCATORS = re.compile(
    r"(?<![\w.>])(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|aligned_alloc"
    r"|posix_memalign)\s*\(")
ALLOCATOR_HOME = {"csrc/base/memory.c"}

# Variables are read where settings are made, by the thread that makes them: a getenv in the flusher, or in the child of a
# fork, would race with the host's setenv.
READER = re.compile(r"(?<![\w.>])(getenv|secure_getenv)\s*\(")
READER_HOMES = {"csrc/api/config_environment.c", "csrc/api/process_parent.c", "csrc/export/http_environment.c"}

# The library never takes its host down, nor makes its random numbers, nor reads its variables behind a lock.
FORBIDDEN = re.compile(r"(?<![\w.>])(abort|exit|_exit|_Exit|quick_exit|setenv|putenv|srand|rand|signal)\s*\(")

# A public header stands on the freestanding headers of C alone.
FREESTANDING = {"stdbool.h", "stddef.h", "stdint.h", "stdarg.h", "limits.h", "float.h", "stdalign.h", "stdnoreturn.h",
                "iso646.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*(?:include|import)[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
ANY_INCLUDE = re.compile(r"^[ \t]*#[ \t]*(?:include|import|include_next)\b.*$", re.MULTILINE)


def without_comments(text, keep_strings):
    """The text with comments blanked and lines kept, so that positions stay true."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        piece = match.group()
        if keep_strings and piece[0] in "\"'":
            return piece
        return re.sub(r"[^\n]", " ", piece)

    return pattern.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def includes(path, text):
    """Yields (line, is_system, name), and refuses what can't be read: a computed include hides where it points."""
    for match in ANY_INCLUDE.finditer(text):
        literal = INCLUDE.match(match.group())
        line = line_of(text, match.start())
        if literal is None:
            yield line, None, match.group().strip()
        else:
            yield line, literal.group(1) == "<", literal.group(2)


def check_private(root, path, report):
    name = path.relative_to(root).as_posix()
    parts = name.split("/")
    raw = path.read_text(encoding="utf-8")
    text = without_comments(raw, keep_strings=True)
    if len(parts) != 3 or parts[1] not in BELOW:
        report(name, 1, "lies in none of the layers " + ", ".join(BELOW))
        return
    layer = parts[1]
    for line, is_system, target in includes(path, text):
        if is_system is None:
            report(name, line, f"computed include: {target}")
        elif is_system:
            homes = HOMES.get(target)
            if homes is not None and name not in homes:
                report(name, line, f"<{target}> belongs to {' and '.join(sorted(homes)) or 'no file'}")
        elif target.startswith("divak/"):
            if target == "divak/divak.h" and layer != "api":
                report(name, line, f"{layer} takes the whole public interface; name the header that it needs")
            elif not (root / "include" / target).is_file():
                report(name, line, f'no such public header: "{target}"')
        else:
            below = target.split("/")[0]
            if below not in BELOW:
                report(name, line, f'"{target}" is not of the form "layer/file.h"')
            elif below != layer and below not in BELOW[layer]:
                report(name, line, f'{layer} must not include {below}: "{target}"')
            elif not (root / "csrc" / target).is_file():
                report(name, line, f'no such file: "{target}"')
    code = without_comments(raw, keep_strings=False)
    if name not in ALLOCATOR_HOME:
        for match in ALLOCATORS.finditer(code):
            report(name, line_of(code, match.start()), f"{match.group(1)} is called only in csrc/base/memory.c")
    if name not in READER_HOMES:
        for match in READER.finditer(code):
            report(name, line_of(code, match.start()), f"{match.group(1)} is called only in {', '.join(sorted(READER_HOMES))}")
    for match in FORBIDDEN.finditer(code):
        report(name, line_of(code, match.start()), f"{match.group(1)} has no place in a library")


def check_public(root, path, report):
    name = path.relative_to(root).as_posix()
    text = without_comments(path.read_text(encoding="utf-8"), keep_strings=True)
    for line, is_system, target in includes(path, text):
        if is_system is None:
            report(name, line, f"computed include: {target}")
        elif is_system and target not in FREESTANDING:
            report(name, line, f"<{target}> is not a freestanding header of C")
        elif not is_system and not (target.startswith("divak/") and (root / "include" / target).is_file()):
            report(name, line, f'"{target}" is no public header')


def check(root):
    """All violations in the tree, as lines of text, and how many files were read."""
    found, count = [], 0

    def report(name, line, what):
        found.append(f"{name}:{line}: {what}")

    for path in sorted((root / "csrc").rglob("*")):
        if path.is_file():
            if path.suffix in (".c", ".h"):
                check_private(root, path, report)
                count += 1
            else:
                report(path.relative_to(root).as_posix(), 1, "SwiftPM compiles all of csrc: only .c and .h may lie there")
    umbrella = root / "include/divak/divak.h"
    for path in sorted((root / "include/divak").rglob("*.h")):
        check_public(root, path, report)
        count += 1
        # The module map names the umbrella alone: what it leaves out, Swift does not see.
        if umbrella.is_file() and path != umbrella and f'"divak/{path.name}"' not in umbrella.read_text(encoding="utf-8"):
            report("include/divak/divak.h", 1, f'does not include "divak/{path.name}"')
    return found, count


def self_test():
    clean = {
        "include/divak/divak.h": '#include "divak/status.h"\n',
        "include/divak/status.h": "#include <stdint.h>\n",
        "csrc/base/atomics.h": "#include <stdatomic.h>\n",
        "csrc/base/clock.c": "#include <time.h>\n",
        "csrc/base/memory.c": "void f(void) { free(0); }\n",
        "csrc/model/ids.h": '#include "base/atomics.h"\n#include "divak/status.h"\n',
        "csrc/wire/b3.c": '/* malloc(1) and #include "api/x.h" in a comment */\n#include "model/ids.h"\n'
                          'const char *x = "free(1)";\nvoid g(void) { divak_free(1); table.free(1); t->malloc(1); }\n',
        "csrc/wire/b3.h": "\n",
        "csrc/collect/lane.h": '#include "base/atomics.h"\n',
        "csrc/export/curl.c": '#include <curl/curl.h>\n#include "wire/b3.h"\n#include "collect/lane.h"\n',
        "csrc/export/flusher.h": "\n",
        "csrc/api/tracer.c": '#include "export/flusher.h"\n#include "divak/divak.h"\n',
    }
    seeds = [
        ("upward include", "csrc/base/bad.c", '#include "model/ids.h"\n'),
        ("upward include", "csrc/export/bad.c", '#include "api/tracer.h"\n'),
        ("sideways include", "csrc/wire/bad.c", '#include "collect/lane.h"\n'),
        ("sideways include, spaced", "csrc/collect/bad.h", '  #  include  "wire/b3.h"\n'),
        ("hidden after a comment", "csrc/wire/bad.c", '/* a */ #include "collect/lane.h"\n'),
        ("own folder without its name", "csrc/wire/bad.c", '#include "b3.h"\n'),
        ("path that climbs", "csrc/wire/bad.c", '#include "../collect/lane.h"\n'),
        ("absent file", "csrc/wire/bad.c", '#include "wire/none.h"\n'),
        ("computed include", "csrc/wire/bad.c", "#include LANE\n"),
        ("atomics elsewhere", "csrc/collect/bad.c", "#include <stdatomic.h>\n"),
        ("threads elsewhere", "csrc/export/bad.c", "#include <pthread.h>\n"),
        ("time elsewhere", "csrc/collect/bad.c", "#include <time.h>\n"),
        ("curl elsewhere", "csrc/api/bad.c", "#include <curl/curl.h>\n"),
        ("malloc elsewhere", "csrc/model/bad.c", "void *f(void) { return malloc (1); }\n"),
        ("free elsewhere", "csrc/export/bad.c", "void f(void) { free(0); }\n"),
        ("getenv elsewhere", "csrc/export/bad.c", "char *f(void) { return getenv(\"a\"); }\n"),
        ("abort", "csrc/base/bad.c", "void f(void) { abort(); }\n"),
        ("umbrella below api", "csrc/model/bad.c", '#include "divak/divak.h"\n'),
        ("layer that is none", "csrc/extra/bad.c", "\n"),
        ("file that is not C", "csrc/base/notes.txt", "\n"),
        ("public header on the system", "include/divak/status.h", "#include <stdio.h>\n"),
        ("public header on csrc", "include/divak/status.h", '#include "base/atomics.h"\n'),
        ("public header left out of the umbrella", "include/divak/extra.h", "\n"),
    ]

    def tree(extra):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**clean, **extra}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check(root)[0]

    failures = [f"clean tree: {line}" for line in tree({})]
    for what, name, text in seeds:
        if not tree({name: text}):
            failures.append(f"not noticed: {what}")
    for failure in failures:
        print(f"layers self-test: {failure}")
    print(f"{len(seeds) + 1 - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    found, count = check(root)
    for line in found:
        print(line)
    print(f"layers: {count} files, {len(found)} violations")
    return 1 if found or count == 0 else 0


sys.exit(main())
