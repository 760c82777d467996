// TraceTree.swift - the spans of a trace in the order in which a reader wants them.
// SPDX-License-Identifier: Apache-2.0

/// The spans of one trace as a tree, walked from the top.
///
/// Both halves of a shared span have one id: the server's half stands below the client's. A span whose parent is not
/// there stands at the top; so does one of a circle of parents, lest anything is hidden.
public struct TraceTree: Sendable {
    /// A span in its place.
    public struct Row: Sendable {
        /// The span.
        public var span: ZipkinSpan
        /// How deep it stands, 0 at the top.
        public var depth: Int
        /// Whether it is the last one below its parent.
        public var isLast: Bool
        /// For each level above, whether more spans of that level follow; of the first 200 levels, which are more than
        /// anyone sees.
        public var lines: [Bool]
        /// Whether the parent that it names is not in the trace.
        public var isOrphan: Bool
    }

    /// The rows from the top down.
    public let rows: [Row]
    /// The first start of all, microseconds since 1970; nil when no span has one.
    public let start: Int64?
    /// From the first start to the last end, in microseconds.
    public let duration: Int64

    /// Orders the spans of a trace.
    public init(_ spans: [ZipkinSpan]) {
        // Zipkin's server merges what came twice; other sources may not.
        var seen = Set<ZipkinSpan>()
        let spans = spans.filter { seen.insert($0).inserted }
        let starts = spans.compactMap(\.timestamp)
        start = starts.min()
        duration =
            start.map { start in max(Quantity.difference(spans.compactMap(\.end).max() ?? start, start), 0) } ?? 0
        rows = Builder(spans).walk()
    }

    /// The services, in the order of their first row.
    public var services: [String] {
        var seen = Set<String>()
        return rows.map(\.span.service).filter { seen.insert($0).inserted }
    }

    /// How many spans failed.
    public var errorCount: Int { rows.count { $0.span.isError } }
}

private struct Builder {
    let spans: [ZipkinSpan]
    /// Places in `spans`, by parent's place.
    var children: [Int: [Int]] = [:]
    var roots: [Int] = []
    var orphans = Set<Int>()

    init(_ spans: [ZipkinSpan]) {
        self.spans = spans
        var owners: [String: Int] = [:]  // the half that children of an id belong to: the server's, where there is one
        var clients: [String: Int] = [:]
        for (place, span) in spans.enumerated() {
            if span.shared == true || owners[span.id] == nil { owners[span.id] = place }
            if span.shared != true { clients[span.id] = place }
        }
        for (place, span) in spans.enumerated() {
            if span.shared == true, let client = clients[span.id] {
                children[client, default: []].append(place)
            } else if let parent = span.parentId, let owner = owners[parent], owner != place {
                children[owner, default: []].append(place)
            } else {
                if span.parentId != nil { orphans.insert(place) }
                roots.append(place)
            }
        }
        let order = { (left: Int, right: Int) in
            (spans[left].timestamp ?? .max, left) < (spans[right].timestamp ?? .max, right)
        }
        roots.sort(by: order)
        for parent in children.keys { children[parent]?.sort(by: order) }
    }

    func walk() -> [TraceTree.Row] {
        var rows: [TraceTree.Row] = []
        var visited = Set<Int>()
        // A stack of our own: a trace may be deeper than a thread's.
        func visit(from top: Int, isLast: Bool) {
            var stack = [(place: top, depth: 0, isLast: isLast, lines: [Bool]())]
            while let (place, depth, isLast, lines) = stack.popLast() {
                guard visited.insert(place).inserted else { continue }
                rows.append(
                    TraceTree.Row(
                        span: spans[place],
                        depth: depth,
                        isLast: isLast,
                        lines: lines,
                        isOrphan: orphans.contains(place)
                    )
                )
                let below = children[place] ?? []
                let lines = depth == 0 || lines.count == 200 ? lines : lines + [!isLast]
                for (index, child) in below.enumerated().reversed() {
                    stack.append((child, depth + 1, index == below.count - 1, lines))
                }
            }
        }
        for (index, root) in roots.enumerated() { visit(from: root, isLast: index == roots.count - 1) }
        for place in spans.indices where !visited.contains(place) { visit(from: place, isLast: true) }
        return rows
    }
}
