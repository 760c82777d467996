// CapturedSpans.swift - finding one's way in what was captured.
// SPDX-License-Identifier: Apache-2.0

extension Sequence<CapturedSpan> {
    /// The spans of a name.
    ///
    /// ```swift
    /// #expect(spans.named("query-db").count == 3)
    /// ```
    public func named(_ name: String) -> [CapturedSpan] {
        filter { $0.name == name }
    }

    /// The children of a span, in the order in which they began.
    ///
    /// The server's half of a client's span, which has the id of that, is among its children.
    public func children(of parent: CapturedSpan) -> [CapturedSpan] {
        let children = filter { span in
            guard span.traceID == parent.traceID else { return false }
            if span.isShared, span.id == parent.id { return !parent.isShared }
            // Where a span has two halves, what is under it is under the server's.
            return span.parentID == parent.id && (parent.isShared || !contains { $0.isShared && $0.id == parent.id })
        }
        return children.sorted { ($0.timestamp ?? 0) < ($1.timestamp ?? 0) }
    }

    /// All traces as text, a line a span, children indented below their parents: for the messages of tests.
    ///
    /// ```swift
    /// #expect(spans.tree == """
    ///     get /users SERVER
    ///       query-db CLIENT
    ///     """)
    /// ```
    ///
    /// A span that failed shows its error behind a `!`. Spans of one age come in the order of the report. Where ids lead in
    /// a circle, as those of a generator that repeats itself may, the circle is cut.
    public var tree: String {
        let spans = Array(self)
        var lines: [String] = []
        var shown: Set<CapturedSpan> = []
        func add(_ span: CapturedSpan, below ancestors: [CapturedSpan]) {
            guard !ancestors.contains(span) else { return }
            shown.insert(span)
            var line = String(repeating: "  ", count: ancestors.count) + (span.name ?? "-")
            if let kind = span.kind { line += " \(kind)" }
            if let error = span.error { line += " ! \(error)" }
            lines.append(line)
            for child in spans.children(of: span) { add(child, below: ancestors + [span]) }
        }
        let inOrder = spans.sorted { ($0.timestamp ?? 0) < ($1.timestamp ?? 0) }
        let roots = inOrder.filter { span in
            !spans.contains { $0 != span && spans.children(of: $0).contains(span) }
        }
        for root in roots { add(root, below: []) }
        for span in inOrder where !shown.contains(span) { add(span, below: []) }
        return lines.joined(separator: "\n")
    }
}
