#!/usr/bin/env python3
# check-documented.py - every public symbol of a Swift module has a comment of its own.
# SPDX-License-Identifier: Apache-2.0
#
#     scripts/check-documented.py MODULE FOLDER      FOLDER has the module's symbol graphs, somewhere below
#     scripts/check-documented.py --self-test        first this, to show that the check can fail
#
# What the compiler makes by itself, and what a standard protocol asks for and explains, needs none.
import json
import pathlib
import sys


def undocumented(graph):
    """The names of a graph's symbols that should have a comment and have none, each with its place."""
    explained = {edge["source"] for edge in graph["relationships"] if "sourceOrigin" in edge}
    for symbol in graph["symbols"]:
        name = symbol["identifier"]["precise"]
        if "docComment" in symbol or "::SYNTHESIZED::" in name or name in explained:
            continue
        # The block of an extension of somebody else's type: what is in it has the comments.
        if symbol["kind"]["identifier"] == "swift.extension":
            continue
        place = symbol.get("location", {})
        line = place.get("position", {}).get("line", -1) + 1
        file = place.get("uri", "").rsplit("/", 1)[-1]
        yield f"{file}:{line}: {'.'.join(symbol['pathComponents'])} has no comment"


def check(module, folder):
    files = {file.name: file for file in sorted(pathlib.Path(folder).rglob("*.symbols.json"))
             if file.name.split(".")[0].split("@")[0] == module}
    graphs = [json.loads(file.read_text()) for file in files.values()]
    count = sum(len(graph["symbols"]) for graph in graphs)
    if count == 0:
        print(f"check-documented: no symbols of {module} below {folder}")
        return 1
    missing = [line for graph in graphs for line in undocumented(graph)]
    print("\n".join(missing + [f"{module}: {count} public symbols, {len(missing)} without a comment"]))
    return 1 if missing else 0


def self_test():
    def symbol(name, **more):
        return {"identifier": {"precise": name}, "kind": {"identifier": "swift.method"}, "pathComponents": [name], **more}

    graph = {
        "symbols": [
            symbol("bare"),
            symbol("commented", docComment={"lines": []}),
            symbol("of a protocol"),
            symbol("made::SYNTHESIZED::"),
            symbol("block", kind={"identifier": "swift.extension"}),
        ],
        "relationships": [{"source": "of a protocol", "sourceOrigin": {}}, {"source": "bare"}],
    }
    found = list(undocumented(graph))
    passed = found == [":0: bare has no comment"]
    print(f"{int(passed)} passed, {int(not passed)} failed" if passed else f"FAILED the check finds what it should: {found}")
    return 0 if passed else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    if len(sys.argv) != 3:
        sys.exit("usage: scripts/check-documented.py MODULE FOLDER")
    sys.exit(check(sys.argv[1], sys.argv[2]))
