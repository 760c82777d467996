#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""extract.py - takes the code out of texts, so that it can be compiled and run.

    extract.py readme README.md LANGUAGE     prints the blocks ```LANGUAGE, one program, and the line it begins at
    extract.py header HEADER.h PRELUDE.h     prints a C program made of the code in the header's first comment
    extract.py articles ARTICLE.md...        prints one Swift file, each block ```swift a function of it

In a header's first comment, code is what is indented by four blanks or more and has a line that ends a statement or
opens a block; tables and pictures have none. A run of such lines with `int main` is the program itself. Otherwise
each run becomes a function, called in order by a main; what begins with `static` and opens a block stays outside. The
prelude declares what the runs take for granted, by the macro DECLARE_<header>.
"""
import pathlib
import re
import sys


def readme_blocks(path, language):
    block = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if block is None:
            if line == f"```{language}":
                block = []
        elif line == "```":
            yield "\n".join(block) + "\n"
            block = None
        else:
            block.append(line)


def is_code(lines):
    bare = (re.sub(r"//.*", "", line).rstrip() for line in lines)
    return any(line.endswith((";", "{", "}")) for line in bare)


def header_runs(path):
    """The runs of code of the first comment behind the licence line."""
    text = path.read_text(encoding="utf-8")
    comment = re.search(r"/\* " + re.escape(path.name) + r".*?\*/", text, re.DOTALL)
    if comment is None:
        sys.exit(f"{path}: no comment that begins with its name")
    run, runs = [], []
    for line in comment.group().splitlines() + [" *"]:
        match = re.match(r" \*(?:     (.*))?$", line)
        if match and (match.group(1) is not None or run):
            run.append(match.group(1) or "")
            continue
        runs.append(run)
        run = []
    runs.append(run)
    for run in runs:
        # Prose between two runs ends one; a blank line inside of it does not.
        while run and not run[-1].strip():
            run.pop()
        if run and is_code(run):
            yield run


def split(run):
    """What stands outside of functions, and what inside."""
    outside, inside, depth = [], [], 0
    for line in run:
        opens = depth == 0 and line.startswith("static ") and line.rstrip().endswith("{")
        if opens or depth > 0:
            outside.append(line)
            depth += line.count("{") - line.count("}")
        else:
            inside.append(line)
    return outside, inside


def header_program(path, prelude):
    runs = list(header_runs(path))
    if not runs:
        return None
    if any("int main" in line for run in runs for line in run):
        return "\n".join(runs[0]) + "\n"
    name = path.stem.upper()
    out = [f'#include "{prelude}"']
    functions = []
    for number, run in enumerate(runs):
        outside, inside = split(run)
        out += outside
        if inside:
            out += [f"static void run_{number}(void) {{", f"    DECLARE_{name}", "    {"]
            out += ["        " + line for line in inside] + ["    }", "}"]
            functions.append(f"run_{number}")
    out += ["int main(void) {", *(f"    {name}();" for name in functions), "    return done();", "}"]
    return "\n".join(out) + "\n"


def articles_program(paths):
    imports, functions = set(), []
    for path in map(pathlib.Path, paths):
        for block in readme_blocks(path, "swift"):
            lines = block.splitlines()
            imports.update(line for line in lines if line.startswith("import "))
            body = [line for line in lines if not line.startswith("import ")]
            name = re.sub(r"\W", "_", path.stem)
            functions += [f"// {path.name}", f"func {name}_{len(functions)}() async throws {{", *body, "}", ""]
    return "\n".join([*sorted(imports), "", *functions])


def main():
    kind, path = sys.argv[1], pathlib.Path(sys.argv[2])
    if kind == "readme":
        programs = list(readme_blocks(path, sys.argv[3]))
        if len(programs) != 1:
            sys.exit(f"{path}: {len(programs)} blocks of {sys.argv[3]}, expected one")
        sys.stdout.write(programs[0])
    elif kind == "header":
        program = header_program(path, sys.argv[3])
        if program is None:
            sys.exit(3)
        sys.stdout.write(program)
    elif kind == "articles":
        sys.stdout.write(articles_program(sys.argv[2:]))
    else:
        sys.exit(__doc__)


main()
