// SPDX-License-Identifier: Apache-2.0
// ClockSkew.swift - takes out the difference between the clocks of two hosts where a call shows it.
//
//     client   |-------------------|              a server can't begin before its client: when it seems to, its host's
//     server |---------|                          clock is late. It is moved to the middle of the call, and with it
//                   |---------|    moved          everything below it on the same host.
//
// Times come from anyone, up to the ends of 64 bits: differences wrap around, as they do for Zipkin, and never trap.

extension TraceTree {
    private struct Skew {
        var host: Endpoint
        var micros: Int64
    }

    /// The same tree with timestamps adjusted.
    ///
    /// Only timestamps and those of annotations change.
    public func adjustedForClockSkew() -> TraceTree {
        var result = self
        var stack: [(node: Int, skew: Skew?)] = tops.map { ($0, nil) }
        while let (node, inherited) = stack.popLast() {
            var skew: Skew?
            if let inherited, spans[node].local.map({ isSameHost($0, inherited.host) }) ?? true {
                result.shift(node, by: 0 &- inherited.micros)
                skew = inherited
            }
            // Between times as they are by now: a parent that was moved shows its child's clock anew.
            if let parent = parents[node],
                let found = skewBetween(parent: result.spans[parent], child: result.spans[node])
            {
                result.shift(node, by: 0 &- found.micros)
                skew = Skew(host: found.host, micros: found.micros &+ (skew?.micros ?? 0))
            }
            for child in children[node] { stack.append((child, skew)) }
        }
        return result
    }

    /// How much the child's host is behind, when the two are the halves of one call and it shows.
    private func skewBetween(parent: Span, child: Span) -> Skew? {
        guard parent.kind == .client, child.kind == .server, parent.timestamp != 0, child.timestamp != 0,
            let client = parent.local, let server = child.local, !isSameHost(client, server)
        else { return nil }
        // Once the server begins after its client nothing can be told from its time.
        if child.timestamp >= parent.timestamp { return nil }
        let start = child.timestamp &- parent.timestamp
        if parent.duration == 0 || child.duration == 0 || parent.duration < child.duration {
            // No room to guess the way there: just after the client.
            return Skew(host: server, micros: start &- 1)
        }
        let way = (parent.duration &- child.duration) / 2
        return Skew(host: server, micros: start &- way)
    }

    /// By address; by name where addresses are unknown.
    private func isSameHost(_ left: Endpoint, _ right: Endpoint) -> Bool {
        if let a = left.v6, let b = right.v6, a == b { return true }
        if let a = left.v4, let b = right.v4, a == b { return true }
        let haveAddresses = (left.v4 != nil || left.v6 != nil) && (right.v4 != nil || right.v6 != nil)
        return !haveAddresses && left.serviceName == right.serviceName
    }
}
