"""What a Zipkin server does where its description says otherwise, and how to send spans in proto3.

SPDX-License-Identifier: Apache-2.0
"""

import ipaddress
import json
import re
import struct

import schemathesis

STATUSES = {
    "GET /traces": {200, 400},
    "GET /dependencies": {200, 400},
    "GET /trace/{traceId}": {200, 400, 404},
    "POST /spans": {202, 400},
}

ID = r"(?s:.*) should be lower-hex encoded with no prefix|traceId is all zeros|traceId\.length > 32"
# Why a question is refused that the description allows.
REASONS = {
    "GET /traces": r"(endTs|lookback|limit|minDuration) <= 0|maxDuration < minDuration"
                   r"|maxDuration is only valid with minDuration|limit should be a whole number of 32 bits, not \d+",
    "GET /dependencies": r"(endTs|lookback) <= 0",
    "GET /trace/{traceId}": ID,
    "GET /traceMany": rf"{ID}|redundant traceId: \w+",
    "POST /spans": rf"({ID}|id is all zeros|id\.length > 16|parentId\.length > 16|invalid port \d+"
                   r"|Expected an int but was -?\d+ at .*|hex field greater than 32 chars long: \d+"
                   r") reading List<Span> from (json|proto3)|Expected a JSON_V2 encoded list, but received: JSON_V1\n",
}


def is_probe_of_methods(case):
    return case.method.upper() != case.operation.method.upper()


@schemathesis.check
def zipkin_status(_, response, case):
    """In the place of status_code_conformance."""
    statuses = STATUSES.get(case.operation.label)
    if statuses and not is_probe_of_methods(case):
        assert response.status_code in statuses, f"{response.status_code} is none of {sorted(statuses)}"


@schemathesis.check
def zipkin_reason(_, response, case):
    """Whatever is refused is told why; what the description allows is refused for few reasons."""
    if response.status_code != 400:
        return
    assert response.text, "no reason"
    if case.meta is not None and case.meta.generation.mode.is_positive and case.operation.label in REASONS:
        assert re.fullmatch(REASONS[case.operation.label], response.text), f"no reason of Zipkin's: {response.text!r}"


@schemathesis.check
def zipkin_span_names(_, response, case):
    """In the place of response_schema_conformance."""
    if case.operation.label == "GET /spans" and response.status_code == 200 and response.request.method == "GET":
        names = json.loads(response.content)
        assert isinstance(names, list) and all(isinstance(name, str) for name in names), names


# ---- proto3 ----

def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, value):
    """Of a span: bytes and texts by length, numbers and truth as varints."""
    if isinstance(value, (bytes, str)):
        data = value if isinstance(value, bytes) else value.encode(errors="surrogatepass")
        return varint(number << 3 | 2) + varint(len(data)) + data
    return varint(number << 3) + varint(int(value))


def fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<q", int(value))


def hexadecimal(text):
    return bytes.fromhex(text) if re.fullmatch("([0-9a-f]{2})+", text) else text.encode()


def packed(address, version):
    return getattr(ipaddress, f"IPv{version}Address")(address).packed


def endpoint(value):
    out = b""
    for number, name, form in ((1, "serviceName", str), (2, "ipv4", lambda text: packed(text, 4)),
                               (3, "ipv6", lambda text: packed(text, 6)), (4, "port", int)):
        if name in value:
            out += field(number, form(value[name]))
    return out


KINDS = ("CLIENT", "SERVER", "PRODUCER", "CONSUMER")
FIELDS = {
    "traceId": lambda value: field(1, hexadecimal(value)),
    "parentId": lambda value: field(2, hexadecimal(value)),
    "id": lambda value: field(3, hexadecimal(value)),
    "kind": lambda value: field(4, KINDS.index(value) + 1),
    "name": lambda value: field(5, value + ""),
    "timestamp": lambda value: fixed64(6, value),
    "duration": lambda value: field(7, int(value)),
    "localEndpoint": lambda value: field(8, endpoint(value)),
    "remoteEndpoint": lambda value: field(9, endpoint(value)),
    "annotations": lambda value: b"".join(
        field(10, fixed64(1, one["timestamp"]) + field(2, one["value"] + "")) for one in value),
    "tags": lambda value: b"".join(field(11, field(1, key) + field(2, text + "")) for key, text in value.items()),
    "debug": lambda value: field(12, bool(value)),
    "shared": lambda value: field(13, bool(value)),
}


@schemathesis.serializer("application/x-protobuf")
def proto3(_, spans):
    """The message ListOfSpans; what proto3 has no way to say goes as JSON, which is no proto3."""
    try:
        return b"".join(field(1, b"".join(FIELDS[name](span[name]) for name in FIELDS if name in span))
                        for span in spans)
    except (AttributeError, KeyError, TypeError, ValueError, struct.error):
        return json.dumps(spans).encode()
