#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""schema.py [--by-shape] YAML FOLDER - whether each JSON body in FOLDER is a ListOfSpans as the OpenAPI document says.

Stricter than the document where it is loose: no member that it does not know, no empty or zero values that it asks to
leave out, texts in strict UTF-8. First shows that it can fail.

By shape: spans with the same members of the same types and forms are held against the document once, for hundreds of
thousands of spans that are much alike; everything else is looked at in all of them.
"""
import copy
import glob
import gzip
import ipaddress
import json
import re
import sys

import jsonschema
import yaml


def strict(node):
    """The schema with every object closed, but for those that are maps."""
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node["additionalProperties"] = False
        for name in ("pattern",):
            if name in node:
                node[name] = "^%s$" % node[name]
        for value in node.values():
            strict(value)
    elif isinstance(node, list):
        for value in node:
            strict(value)
    return node


def load_schema(path):
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    definitions = strict(copy.deepcopy(document["definitions"]))
    schema = {"definitions": definitions, "$ref": "#/definitions/ListOfSpans"}
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("ipv4", ValueError)(lambda text: bool(ipaddress.IPv4Address(text)) or True)
    checker.checks("ipv6", ValueError)(lambda text: bool(ipaddress.IPv6Address(text)) or True)
    checker.checks("int64")(lambda number: -2**63 <= number < 2**63)
    return jsonschema.Draft4Validator(schema, format_checker=checker)


def refuse_duplicates(pairs):
    # What was not UTF-8 may have become the same text: a server keeps the last.
    names = [name for name, value in pairs if "\ufffd" not in name]
    if len(set(names)) != len(names):
        raise ValueError("a member occurs twice")
    return dict(pairs)


ID = re.compile("[0-9a-f]{16}([0-9a-f]{16})?")


def shape_of(name, value):
    """What the document can tell one span from another by."""
    if name == "tags" and isinstance(value, dict):
        return all(isinstance(one, str) for one in value.values())
    if isinstance(value, dict):
        return tuple((key, shape_of(key, one)) for key, one in value.items())
    if isinstance(value, list):
        return frozenset(shape_of(name, one) for one in value)
    if name in ("traceId", "parentId", "id"):
        return isinstance(value, str) and ID.fullmatch(value) is not None and len(value)
    if name in ("timestamp", "duration"):
        return type(value), isinstance(value, int) and 0 < value < 2**63
    if name in ("name", "serviceName", "value"):
        return type(value), value == ""
    return type(value), value


def new_shapes(spans, seen):
    found = []
    for span in spans:
        shape = shape_of("", span)
        if shape not in seen:
            seen.add(shape)
            found.append(span)
    return found


def problems_of(validator, body, seen=None):
    """What is wrong with a body, as a list of texts; with a set of the shapes that were seen, by shape."""
    try:
        spans = json.loads(body.decode("utf-8"), object_pairs_hook=refuse_duplicates)
    except ValueError as error:
        return [str(error)]
    for span in spans if isinstance(spans, list) else []:
        if "annotations" in span:
            span["annotations"] = [one for one in span["annotations"] if "\ufffd" not in one["value"]]
    judged = spans if seen is None or not isinstance(spans, list) else new_shapes(spans, seen)
    problems = [error.message[:200] for error in validator.iter_errors(judged)]
    if body[:1] != b"[" or b'yAnnotations"' in body:
        problems.append("a server would take it for its old format")
    for span in spans if isinstance(spans, list) and not problems else []:
        for name in ("localEndpoint", "remoteEndpoint"):
            if name in span and (not span[name] or span[name].get("port") == 0 or span[name].get("serviceName") == ""):
                problems.append("an empty part of %s" % name)
        if span["traceId"].strip("0") == "" or span["id"].strip("0") == "" or span.get("timestamp") == 0:
            problems.append("a zero where none may be")
        if span.get("name") == "" or "" in span.get("tags", {}):
            problems.append("an empty name or key")
    return problems


def self_test(validator):
    good = b'[{"traceId":"000000000000000a","id":"000000000000000b","tags":{"a":"b"}}]'
    bad = [good.replace(b'"b"}', b"1}"), good.replace(b"000a", b"000A"), good.replace(b"000b", b"b"), good[1:-1],
           good.replace(b'"tags"', b'"tag"'), good.replace(b'"b"', b'"\xff"'), good.replace(b'"b"', b'"myAnnotations"'),
           good.replace(b'{"a"', b'{"a":"c","a"'), good.replace(b'"tags"', b'"localEndpoint":{"ipv4":"1.2.3"},"tags"'),
           good.replace(b'"tags"', b'"duration":0,"tags"')]
    seen = set()
    for _ in range(2):
        assert problems_of(validator, good) == problems_of(validator, good, seen) == []
    for body in bad:
        assert problems_of(validator, body) and problems_of(validator, body, seen), body


def main():
    arguments = [one for one in sys.argv[1:] if one != "--by-shape"]
    seen = set() if len(arguments) < len(sys.argv) - 1 else None
    validator = load_schema(arguments[0])
    self_test(validator)
    failures = payloads = 0
    for path in sorted(glob.glob(arguments[1] + "/*.body")):
        with open(path, "rb") as file:
            body = file.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        if seen is not None and body[:1] == b"\x0a":
            continue  # proto3
        payloads += 1
        problems = problems_of(validator, body, seen)
        for problem in problems[:3]:
            print("  %s: %s" % (path.split("/")[-1], problem))
        failures += bool(problems)
    shapes = "" if seen is None else ", %d shapes of spans" % len(seen)
    print("  %d payloads, %d against the schema%s" % (payloads, failures, shapes))
    sys.exit(1 if failures or not payloads else 0)


main()
