// SPDX-License-Identifier: Apache-2.0
// DependencyLinker.swift - who called whom and how often, counted from traces the way Zipkin counts.
//
// A call counts once although both sides report it: at the server's span, or at a client's span without children, whose
// other side reports nothing. Messages count between a service and its broker. A span without kind that knows both sides
// is taken as a client's.

/// Calls from one service to another.
public struct DependencyLink: Sendable, Equatable {
    /// Who called.
    public var parent: String
    /// Who was called.
    public var child: String
    /// How often.
    public var callCount: Int
    /// How many of the calls failed.
    public var errorCount: Int
}

/// Counts calls in traces, one after another.
public struct DependencyLinker: Sendable {
    /// In the order in which they were found.
    public private(set) var links: [DependencyLink] = []
    private var places: [Pair: Int] = [:]

    private struct Pair: Hashable {
        var parent: String
        var child: String
    }

    /// Begins with none.
    public init() {}

    /// Counts the calls of one trace.
    public mutating func add(_ tree: TraceTree) {
        // For each span the nearest one above it that has a kind: local spans may lie between.
        var remotes = [Int?](repeating: nil, count: tree.spans.count)
        tree.breadthFirst { node in
            remotes[node] = tree.parents[node].flatMap { tree.spans[$0].kind != nil ? $0 : remotes[$0] }
            count(node, below: remotes[node].map { tree.spans[$0] }, in: tree)
        }
    }

    private mutating func count(_ node: Int, below ancestor: Span?, in tree: TraceTree) {
        let span = tree.spans[node]
        // What the server says is preferred: its span is among the children.
        if span.kind == .client && !tree.children[node].isEmpty { return }
        let service = span.local?.serviceName
        let remote = span.remote?.serviceName
        guard let kind = span.kind ?? (service != nil && remote != nil ? .client : nil) else { return }
        var parent: String?
        var child: String?
        switch kind {
        case .server, .consumer:
            (parent, child) = (remote, service)
            if tree.parents[node] == nil && node == tree.root && remote == nil { return }
        case .client, .producer:
            (parent, child) = (service, remote)
        }
        var isError = span.isError
        if kind == .producer || kind == .consumer {
            if let parent, let child { link(parent, child, isError) }
            return
        }
        if let ancestor, let above = ancestor.local?.serviceName {
            // A client's span whose own name differs from the one above it has a call missing between the two.
            if kind == .client, let service, above != service { link(above, service, false) }
            if kind == .server || parent == nil { parent = above }
            // Where a call is two spans, the client's half may know of an error that the server's doesn't.
            if !isError && ancestor.kind == .client && span.parent != 0 && span.parent == ancestor.id {
                isError = ancestor.isError
            }
        }
        if let parent, let child { link(parent, child, isError) }
    }

    private mutating func link(_ parent: String, _ child: String, _ isError: Bool) {
        let pair = Pair(parent: parent, child: child)
        let place = places[pair] ?? links.count
        if place == links.count {
            places[pair] = place
            links.append(DependencyLink(parent: parent, child: child, callCount: 0, errorCount: 0))
        }
        links[place].callCount += 1
        if isError { links[place].errorCount += 1 }
    }

    /// As Zipkin answers them; a count of no errors is left out.
    public var json: [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "[")]
        for (i, link) in links.enumerated() {
            out.append(literal: i == 0 ? "{\"parent\":" : ",{\"parent\":")
            appendJSONString(link.parent, to: &out)
            out.append(literal: ",\"child\":")
            appendJSONString(link.child, to: &out)
            out.append(literal: ",\"callCount\":")
            appendDecimal(Int64(link.callCount), to: &out)
            if link.errorCount > 0 {
                out.append(literal: ",\"errorCount\":")
                appendDecimal(Int64(link.errorCount), to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
        out.append(UInt8(ascii: "]"))
        return out
    }
}

extension TraceTree {
    /// The one top that has no parent of its own; nil in a tree of several.
    fileprivate var root: Int? { tops.count == 1 ? tops[0] : nil }
}
