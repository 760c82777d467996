#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py LEDGER DECODED - whether the decoded spans (decode.go) are just those of the ledger (spans.c).

What Divak promises to do with a text, a tag said twice, or a time is worked out here once more, from the contract and
by Python's own decoder of UTF-8.
"""
import ipaddress
import json
import sys

SLACK = 1000  # microseconds between the clock of the ledger and the tracer's
DEFAULT_TAGS = {"zone": "Eu", "error.x": "no"}
SERVICE = 'Ledger"Ä'
problems = []


def limited(raw, limit):
    """At most `limit` bytes, cut at a code point."""
    if len(raw) <= limit:
        return raw
    end = limit
    while limit - end < 3 and raw[end] & 0xC0 == 0x80:
        end -= 1
    return raw[:limit] if raw[end] & 0xC0 == 0x80 else raw[:end]


def text(raw, limit):
    return limited(bytes.fromhex(raw), limit).decode("utf-8", "replace")


def lower(value):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in value)


def digits(value):
    """The significant digits of a decimal."""
    return value.lower().split("e")[0].replace(".", "").replace("-", "").strip("0")


def same_value(wanted, got):
    if not isinstance(wanted, dict):
        return wanted == got
    try:
        number = float.fromhex(wanted["double"])
        return float(got) == number and len(digits(got)) <= len(digits(repr(number)))
    except ValueError:
        return False


def wanted_tags(line):
    """The tags, and for keys that were not UTF-8 all values: several may have become the same key."""
    tags, blurred = {}, {}
    for key, value in line["tags"][:-1]:
        if value is None:
            continue
        key = text(key, 255)
        if isinstance(value, dict) and "text" in value:
            value = text(value["text"], 1024)
        if key != "error" or key not in tags:
            tags[key] = value
        if "\ufffd" in key:
            blurred.setdefault(key, []).append(value)
    for key, value in DEFAULT_TAGS.items():
        tags.setdefault(key, value)
    return {key: blurred.get(key, [value]) for key, value in tags.items()}


def compare_tags(line, span):
    wanted, got = wanted_tags(line), span["tags"] or {}
    if set(wanted) != set(got):
        return "tags: wanted %r, got %r" % (sorted(wanted), sorted(got))
    for key, values in wanted.items():
        if not any(same_value(value, got[key]) for value in values):
            return "tag %r: wanted %r, got %r" % (key, values, got[key])
    return None


def compare_annotations(line, span):
    """Equal texts in the same microsecond are one annotation: several lines may stand for the same one."""
    wanted = line["annotations"][:-1]
    got = [(one["timestamp"], one["value"]) for one in span["annotations"] or []]
    if got != sorted(got, key=lambda one: one[0]):
        return "annotations are not in the order of time"
    if len(got) > len(wanted):
        return "annotations too many: %r" % got
    unmatched = set(got)
    for first, last, given, raw in wanted:
        slack = 0 if given else SLACK
        match = {one for one in got if one[1] == text(raw, 1024) and first - slack <= one[0] <= last + slack}
        if not match:
            return "annotation %r at %d is missing in %r" % (raw, first, got)
        unmatched -= match
    return "annotations never made: %r" % unmatched if unmatched else None


def wanted_endpoint(parts, base):
    endpoint = dict(base)
    if parts is None:
        return endpoint
    # The service and the address replace the tracer's each on its own.
    if parts["service"]:
        endpoint["service"] = lower(text(parts["service"], 255))
    if any(name in parts for name in ("ipv4", "ipv6")) or parts["port"]:
        v6 = ipaddress.ip_address(bytes.fromhex(parts["ipv6"])) if "ipv6" in parts else None
        endpoint["ipv4"] = parts.get("ipv4", "")
        endpoint["ipv6"] = "" if v6 is None else str(v6)
        endpoint["port"] = parts["port"]
    return endpoint


def compare_endpoint(wanted, got):
    got = got or {"service": "", "ipv4": "", "ipv6": "", "port": 0}
    return None if wanted == got else "endpoint: wanted %r, got %r" % (wanted, got)


def compare_times(line, span):
    first, last, start_given = line["start"]
    slack = 0 if start_given else SLACK
    if not first - slack <= span["timestamp"] <= last + slack:
        return "timestamp: wanted %d to %d, got %d" % (first, last, span["timestamp"])
    if line["duration"] is None:
        return None if span["duration"] == 0 else "a duration on a span without end"
    first, last, given = line["duration"]
    slack = 0 if given else SLACK
    if not max(1, first) - slack <= span["duration"] <= max(1, last) + slack:
        return "duration: wanted %d to %d, got %d" % (first, last, span["duration"])
    return None


def compare(line, span):
    for name in ("parentId", "kind"):
        if line.get(name, "") != span[name]:
            return "%s: wanted %r, got %r" % (name, line.get(name, ""), span[name])
    for name in ("debug", "shared"):
        if bool(line[name]) != span[name]:
            return "%s: wanted %r" % (name, line[name])
    name = lower(text(line["name"], 255))
    if name != span["name"]:
        return "name: wanted %r, got %r" % (name, span["name"])
    nothing = {"service": "", "ipv4": "", "ipv6": "", "port": 0}
    local = {"service": lower(SERVICE), "ipv4": "192.0.2.200", "ipv6": "", "port": 9876}
    return (compare_times(line, span) or compare_tags(line, span) or compare_annotations(line, span)
            or compare_endpoint(wanted_endpoint(line.get("local"), local), span["local"])
            or compare_endpoint(wanted_endpoint(line.get("remote"), nothing), span["remote"]))


def identity(span):
    # A joined span has its client's ids: the kind tells both halves apart.
    return span["traceId"].rjust(32, "0").lstrip("0").rjust(16, "0"), span["id"]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        wanted = [json.loads(line) for line in file]
    with open(sys.argv[2], encoding="utf-8") as file:
        got = [json.loads(line) for line in file]
    by_id = {}
    for span in got:
        if identity(span) in by_id:
            problems.append("%s came twice" % span["id"])
        by_id[identity(span)] = span
    for line in wanted:
        span = by_id.pop(identity(line), None)
        problem = "did not arrive" if span is None else compare(line, span)
        if problem:
            problems.append("%s of %s: %s" % (line["id"], span["payload"] if span else "nowhere", problem))
    problems.extend("%s was never sent" % key[1] for key in by_id)
    for problem in problems[:20]:
        print("  " + problem)
    print("  %d spans in the ledger, %d decoded, %d problems" % (len(wanted), len(got), len(problems)))
    sys.exit(1 if problems or not wanted else 0)


main()
