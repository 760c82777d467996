// SPDX-License-Identifier: Apache-2.0
// JSONSpanWriter.swift - a span as JSON v2, field for field as Zipkin's encoder writes it.

/// Appends the span that a record holds.
func appendJSON(_ span: RecordView, to out: inout [UInt8]) {
    out.append(literal: "{\"traceId\":\"")
    if span.trace.high != 0 { appendHex(span.trace.high, to: &out) }
    appendHex(span.trace.low, to: &out)
    if span.parent != 0 {
        out.append(literal: "\",\"parentId\":\"")
        appendHex(span.parent, to: &out)
    }
    out.append(literal: "\",\"id\":\"")
    appendHex(span.id, to: &out)
    out.append(UInt8(ascii: "\""))
    if let kind = span.kind {
        out.append(literal: ",\"kind\":\"")
        out.append(contentsOf: kind.name.utf8)
        out.append(UInt8(ascii: "\""))
    }
    if span.name.isPresent {
        out.append(literal: ",\"name\":")
        appendJSONString(span.name, to: &out)
    }
    if span.timestamp != 0 {
        out.append(literal: ",\"timestamp\":")
        appendDecimal(span.timestamp, to: &out)
    }
    if span.duration != 0 {
        out.append(literal: ",\"duration\":")
        appendDecimal(span.duration, to: &out)
    }
    appendEndpoint(",\"localEndpoint\":{", span.local, to: &out)
    appendEndpoint(",\"remoteEndpoint\":{", span.remote, to: &out)
    if span.hasAnnotations {
        out.append(literal: ",\"annotations\":[")
        var isFirst = true
        span.forEachAnnotation { timestamp, value in
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            out.append(literal: "{\"timestamp\":")
            appendDecimal(timestamp, to: &out)
            out.append(literal: ",\"value\":")
            appendJSONString(value, to: &out)
            out.append(UInt8(ascii: "}"))
        }
        out.append(UInt8(ascii: "]"))
    }
    if span.hasTags {
        out.append(literal: ",\"tags\":{")
        var isFirst = true
        span.forEachTag { key, value in
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            appendJSONString(key, to: &out)
            out.append(UInt8(ascii: ":"))
            appendJSONString(value, to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }
    if span.debug { out.append(literal: ",\"debug\":true") }
    if span.shared { out.append(literal: ",\"shared\":true") }
    out.append(UInt8(ascii: "}"))
}

private func appendEndpoint(_ opening: StaticString, _ endpoint: EndpointView, to out: inout [UInt8]) {
    if endpoint.isEmpty { return }
    out.append(literal: opening)
    var separator: StaticString = ""
    if endpoint.service.isPresent {
        out.append(literal: "\"serviceName\":")
        appendJSONString(endpoint.service, to: &out)
        separator = ","
    }
    if endpoint.v4.count == 4 {
        out.append(literal: separator)
        out.append(literal: "\"ipv4\":\"")
        appendIPv4(endpoint.v4.reduce(0) { $0 << 8 | UInt32($1) }, to: &out)
        out.append(UInt8(ascii: "\""))
        separator = ","
    }
    if endpoint.v6.count == 16 {
        out.append(literal: separator)
        out.append(literal: "\"ipv6\":\"")
        appendIPv6(bigEndian(endpoint.v6, 0), bigEndian(endpoint.v6, 8), to: &out)
        out.append(UInt8(ascii: "\""))
        separator = ","
    }
    if endpoint.port != 0 {
        out.append(literal: separator)
        out.append(literal: "\"port\":")
        appendDecimal(Int64(endpoint.port), to: &out)
    }
    out.append(UInt8(ascii: "}"))
}

/// Appends text in quotes.
///
/// Escaped are quote, backslash, control characters, and U+2028 and U+2029.
func appendJSONString(_ text: Text, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    var start = 0
    var i = 0
    while i < text.count {
        let byte = text[i]
        if byte >= 0x20 && byte != 0x22 && byte != 0x5C && byte != 0xE2 {
            i += 1
            continue
        }
        var length = 1
        var escape: StaticString = ""
        switch byte {
        case 0x22: escape = "\\\""
        case 0x5C: escape = "\\\\"
        case 0x08: escape = "\\b"
        case 0x09: escape = "\\t"
        case 0x0A: escape = "\\n"
        case 0x0C: escape = "\\f"
        case 0x0D: escape = "\\r"
        case 0xE2:
            if i + 2 < text.count && text[i + 1] == 0x80 && text[i + 2] & 0xFE == 0xA8 {
                escape = text[i + 2] == 0xA8 ? "\\u2028" : "\\u2029"
                length = 3
            } else {
                i += 1
                continue
            }
        default: break
        }
        out.append(contentsOf: Text(rebasing: text[start..<i]))
        if escape.utf8CodeUnitCount != 0 {
            out.append(literal: escape)
        } else {
            out.append(literal: "\\u00")
            out.append(UInt8(ascii: "0") + byte >> 4)
            out.append(byte & 0xF < 10 ? 0x30 + byte & 0xF : 0x61 + byte & 0xF - 10)
        }
        i += length
        start = i
    }
    out.append(contentsOf: Text(rebasing: text[start..<text.count]))
    out.append(UInt8(ascii: "\""))
}

/// Appends a String in quotes.
func appendJSONString(_ string: String, to out: inout [UInt8]) {
    var copy = string
    copy.withUTF8 { appendJSONString($0, to: &out) }
}

extension [UInt8] {
    @inline(__always) mutating func append(literal: StaticString) {
        append(contentsOf: Text(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }
}
