#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""names.py - what a text's tables call by a name of Divak's has that name: in the headers, or in the Swift interface.

    names.py TEXT.md...      prints each name that is none, with its line; exit status 1 then
    names.py --self-test     first this, to show that the check can fail

The first column is somebody else's language. In the others, code in backquotes is of Divak: words of C and settings are
looked for in include/divak, all others among what Sources declares.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What examples call their values, words of the languages, and interfaces of other packages that Divak conforms to.
KNOWN = set("""
    tracer span configuration headers other time in try await error let
    InstrumentationSystem bootstrap withSpan Logger MetadataProvider
""".split())


def c_names():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "include/divak").glob("*.h"))
    return set(re.findall(r"\w+", text))


def swift_names():
    names = set()
    for path in (ROOT / "Sources").rglob("*.swift"):
        text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
        names.update(re.findall(r"public[^\n=({]*?\b(?:func|var|let|struct|class|enum|protocol|typealias) (\w+)", text))
        for parameters in re.findall(r"public[^\n]*?\b(?:func|init)\b[^(\n]*\((.*?)\)\s*(?:async|throws|->|\{|\n)", text, re.S):
            names.update(re.findall(r"(?:^|[(,])\s*(\w+)(?: \w+)?:", parameters))
    return names


def wrong_names(lines, of_c, of_swift):
    for number, line in enumerate(lines, 1):
        if not line.startswith("|"):
            continue
        for cell in re.split(r"(?<!\\)\|", line)[2:]:
            for code in re.findall(r"`([^`]+)`", cell):
                code = re.sub(r'"[^"]*"', "", code)
                for word in re.findall(r"[A-Za-z_]\w*(?!…)\b", code):
                    is_c = word.lower().startswith("divak_") or "_" in word
                    if word not in KNOWN and word not in of_c and (is_c or word not in of_swift):
                        yield f"line {number}: {word}"


def self_test():
    lines = ["| `theirs` | `span.tag(\"x\", 1)` `gone(now:)` | `divak_span_tag` `divak_gone` |", "`divak_gone` in prose"]
    found = list(wrong_names(lines, {"divak_span_tag"}, {"tag", "now"}))
    if found != ["line 1: gone", "line 1: divak_gone"]:
        sys.exit(f"names.py found {found}")


def main():
    self_test()
    if sys.argv[1:] == ["--self-test"]:
        return
    of_c, of_swift, status = c_names(), swift_names(), 0
    for text in sys.argv[1:]:
        for wrong in wrong_names(pathlib.Path(text).read_text(encoding="utf-8").splitlines(), of_c, of_swift):
            print(f"{text}, {wrong} is no name of Divak's")
            status = 1
    sys.exit(status)


main()
