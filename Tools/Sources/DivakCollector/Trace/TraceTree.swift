// SPDX-License-Identifier: Apache-2.0
// TraceTree.swift - the spans of a trace as a tree, by the rules with which Zipkin builds it.
//
//     client 1  web                    a shared server half is the child of its client half, although both have the
//        server 1 (shared)  app        same id; what the server did next names that id as its parent and, being on
//           local 2  app               the same endpoint, hangs below the server half
//
// A span whose parent is missing hangs below the root; without any root the tree has several tops.

/// The tree of one trace; nodes are places in `spans`.
public struct TraceTree: Sendable {
    /// Pieces merged.
    public private(set) var spans: [Span]
    /// nil: a top.
    public private(set) var parents: [Int?]
    /// Sorted by time.
    public private(set) var children: [[Int]]
    /// The root, or everything that has no parent when there is none.
    public private(set) var tops: [Int]

    private struct Key: Hashable {
        var id: UInt64
        var isShared: Bool
        var endpoint: Endpoint?

        static func plain(_ id: UInt64) -> Key { Key(id: id, isShared: false, endpoint: nil) }
    }

    /// - Parameter spans: of one trace; pieces are merged.
    public init(_ spans: [Span]) {
        let spans = merge(spans)
        self.spans = spans
        parents = Array(repeating: nil, count: spans.count)
        children = Array(repeating: [], count: spans.count)
        tops = []

        // Which span a key means, and in what order keys appeared.
        var place: [Key: Int] = [:]
        var wanted: [Key: Key?] = [:]
        var order: [Key] = []
        for span in spans {
            let key = span.shared ? Key(id: span.id, isShared: true, endpoint: span.local) : .plain(span.id)
            let parent: Key? = span.shared ? .plain(span.id) : span.parent != 0 ? .plain(span.parent) : nil
            if wanted.updateValue(parent, forKey: key) == nil { order.append(key) }
        }
        var root: Int?
        for (i, span) in spans.enumerated() {
            let key = span.shared ? Key(id: span.id, isShared: true, endpoint: span.local) : .plain(span.id)
            let bare = Key(id: span.id, isShared: span.shared, endpoint: nil)
            var hasParent = span.shared
            if !span.shared && span.parent != 0 {
                hasParent = true
                // The server half on the same endpoint comes before the client half.
                let served = Key(id: span.parent, isShared: true, endpoint: span.local)
                if wanted[served] != nil { wanted[bare] = .some(served) }
            }
            if !hasParent && root == nil {
                root = i
                wanted[bare] = nil
            } else {
                place[bare] = i
                if span.shared { place[key] = i }
            }
        }
        var isPlaced = Array(repeating: false, count: spans.count)
        if let root { isPlaced[root] = true }
        for key in order {
            guard let parentKey = wanted[key], let child = place[key], !isPlaced[child] else { continue }
            isPlaced[child] = true
            attach(child, to: parentKey.flatMap { place[$0] } ?? root)
        }
        // Ids that appear more than once with nothing to tell them apart: below the root, so that none is lost.
        for i in spans.indices where !isPlaced[i] { attach(i, to: root) }
        if let root { tops = [root] }
        rescueCycles(root: root)
        for i in spans.indices { children[i].sort { spans[$0].timestamp < spans[$1].timestamp } }
        tops.sort { spans[$0].timestamp < spans[$1].timestamp }
    }

    private mutating func attach(_ child: Int, to parent: Int?) {
        guard let parent, parent != child else {
            tops.append(child)
            return
        }
        parents[child] = parent
        children[parent].append(child)
    }

    /// Spans that are each other's ancestors are cut loose, or nobody would ever see them.
    private mutating func rescueCycles(root: Int?) {
        var isSeen = Array(repeating: false, count: spans.count)
        func visit(_ start: Int, _ tree: TraceTree) {
            var stack = [start]
            while let next = stack.popLast() {
                if isSeen[next] { continue }
                isSeen[next] = true
                stack.append(contentsOf: tree.children[next])
            }
        }
        for top in tops { visit(top, self) }
        for i in spans.indices where !isSeen[i] {
            if let parent = parents[i] { children[parent].removeAll { $0 == i } }
            parents[i] = nil
            attach(i, to: root)
            visit(i, self)
        }
    }

    /// Visits parents before children, level by level.
    public func breadthFirst(_ body: (Int) -> Void) {
        var level = tops
        while !level.isEmpty {
            for node in level { body(node) }
            level = level.flatMap { children[$0] }
        }
    }

    /// Visits each node before what hangs below it, as a waterfall shows it.
    public func depthFirst(_ body: (_ node: Int, _ depth: Int) -> Void) {
        var stack = tops.reversed().map { ($0, 0) }
        while let (node, depth) = stack.popLast() {
            body(node, depth)
            for child in children[node].reversed() { stack.append((child, depth + 1)) }
        }
    }

    /// Moves spans in time.
    mutating func shift(_ node: Int, by micros: Int64) {
        if spans[node].timestamp != 0 { spans[node].timestamp &+= micros }
        for i in spans[node].annotations.indices { spans[node].annotations[i].timestamp &+= micros }
    }
}
