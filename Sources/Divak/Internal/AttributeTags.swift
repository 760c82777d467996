// AttributeTags.swift - attributes of the interface `Tracing` as Zipkin's tags and endpoint.
// SPDX-License-Identifier: Apache-2.0
//
// Every attribute becomes a tag of its own name. Those that OpenTelemetry has names for are what Zipkin's users search by
// under other names, so these are given too: `http.method`, `http.path`, `http.status_code` unless it is a 2xx, `error`,
// and the endpoint of the other side.

internal import CDivak
internal import Tracing

enum AttributeTags {
    /// Says the attributes to the core.
    ///
    /// - Parameter hasFailed: Whether the status was set to an error without words for it: whatever else is known of the
    ///   error is then better than nothing.
    static func record(_ attributes: SpanAttributes, hasFailed: Bool, kind: DivakKind, on handle: divak_span) {
        let words = SpanHandle(handle)
        var known = KnownAttributes()
        attributes.forEach { key, value in
            words.record(attribute: key, value)
            known.note(key, value)
        }
        known.record(hasFailed: hasFailed, kind: kind, on: DivakSpan(handle: handle))
    }
}

extension SpanHandle {
    /// Tags a span that records with an attribute: numbers and truth as such, the rest as text.
    func record(attribute key: String, _ value: SpanAttribute) {
        switch value {
        case .string(let value): record(key, value)
        case .int64(let value): record(key, value)
        case .int32(let value): record(key, Int64(value))
        case .double(let value): record(key, value)
        case .bool(let value): record(key, value)
        default: record(key, value.text)
        }
    }
}

extension SpanAttribute {
    /// The value for people: lists with commas between what they hold.
    var text: String {
        switch self {
        case .string(let value): value
        case .int64(let value): "\(value)"
        case .int32(let value): "\(value)"
        case .double(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .stringConvertible(let value): "\(value)"
        case .int32Array(let values): Self.list(values)
        case .int64Array(let values): Self.list(values)
        case .doubleArray(let values): Self.list(values)
        case .boolArray(let values): Self.list(values)
        case .stringArray(let values): Self.list(values)
        case .stringConvertibleArray(let values): Self.list(values)
        default: ""
        }
    }

    /// The number in it, also when it came as text.
    var number: Int64? {
        switch self {
        case .int64(let value): value
        case .int32(let value): Int64(value)
        case .string(let value): Int64(value)
        case .stringConvertible(let value): Int64("\(value)")
        default: nil
        }
    }

    private static func list(_ values: [some Any]) -> String {
        values.map { "\($0)" }.joined(separator: ",")
    }
}

extension SpanAttributes {
    /// ` {a=1, b=2}`, in the order of the names; nothing when there are none.
    var text: String {
        guard !isEmpty else { return "" }
        var parts: [String] = []
        forEach { key, value in parts.append("\(key)=\(value.text)") }
        return " {\(parts.sorted().joined(separator: ", "))}"
    }
}

/// Attributes with a meaning for Zipkin.
private struct KnownAttributes {
    var method, path, errorType: String?
    var status: Int64?
    var hasMethod = false, hasPath = false, hasStatus = false
    var peerService, serverAddress, clientAddress, peerName, peerAddress: String?
    var serverPort, clientPort, peerPort: Int64?

    /// By the length of the name first: there are two of one length or three, and most names are none of them.
    mutating func note(_ key: String, _ value: SpanAttribute) {
        switch key.utf8.count {
        case 8 where key == "url.path": path = value.text
        case 9 where key == "http.path": hasPath = true
        case 10 where key == "error.type": errorType = value.text
        case 11 where key == "http.method": hasMethod = true
        case 11 where key == "http.target": path = path ?? Self.withoutQuery(value.text)
        case 11 where key == "server.port": serverPort = value.number
        case 11 where key == "client.port": clientPort = value.number
        case 11 where key == "net.peer.ip": peerAddress = peerAddress ?? value.text
        case 12 where key == "peer.service": peerService = value.text
        case 13 where key == "net.peer.name": peerName = value.text
        case 13 where key == "net.peer.port": peerPort = peerPort ?? value.number
        case 14 where key == "server.address": serverAddress = value.text
        case 14 where key == "client.address": clientAddress = value.text
        case 16 where key == "http.status_code":
            hasStatus = true
            status = status ?? value.number
        case 17 where key == "network.peer.port": peerPort = value.number
        case 18 where key == "net.sock.peer.addr": peerAddress = peerAddress ?? value.text
        case 18 where key == "net.sock.peer.port": peerPort = peerPort ?? value.number
        case 19 where key == "http.request.method": method = value.text
        case 20 where key == "network.peer.address": peerAddress = value.text
        case 25 where key == "http.response.status_code": status = value.number
        default: break
        }
    }

    func record(hasFailed: Bool, kind: DivakKind, on span: DivakSpan) {
        if let method, !hasMethod { span.tag("http.method", method) }
        if let path, !hasPath { span.tag("http.path", path) }
        let isSuccess = status.map { (200...299).contains($0) } ?? true
        if let status, !isSuccess, !hasStatus { span.tag("http.status_code", status) }
        if let errorType {
            span.recordError(message: errorType)
        } else if let status, !(100...399).contains(status) {
            span.recordError(message: "\(status)")
        } else if hasFailed {
            span.recordError(message: "")
        }
        recordEndpoint(kind: kind, on: span)
    }

    /// Who was on the other side: for a caller the server, for a server its client.
    private func recordEndpoint(kind: DivakKind, on span: DivakSpan) {
        let isCaller = kind == .client || kind == .producer
        let name = isCaller ? serverAddress ?? peerName : clientAddress
        let port = isCaller ? peerPort ?? serverPort : clientAddress == nil ? peerPort : clientPort ?? peerPort
        guard kind != .local || peerService != nil, name ?? peerService ?? peerAddress ?? peerName != nil else {
            return
        }
        var endpoint = DivakEndpoint(service: peerService, port: port.flatMap { UInt16(exactly: $0) } ?? 0)
        // A server's own idea of its client comes first: behind a proxy the peer is the proxy.
        let addresses = isCaller ? [peerAddress, name] : [name, peerAddress, peerName]
        let hasAddress = addresses.contains { $0.map { endpoint.setAddress($0) } ?? false }
        // A host's name is the next best name for what answers there.
        if endpoint.service == nil, isCaller, let name, name != addresses.first ?? nil {
            endpoint.service = DivakEndpoint(address: name).hasAddress ? nil : name
        }
        guard hasAddress || endpoint.service != nil else { return }
        if let port = port.flatMap({ UInt16(exactly: $0) }) { endpoint.port = port }
        span.setRemote(endpoint)
    }

    private static func withoutQuery(_ target: String) -> String {
        String(Substring(target.utf8.prefix { !"?#".utf8.contains($0) }))
    }
}
