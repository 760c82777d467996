// Waterfall.swift - one trace, a line a span, its time drawn beside it.
// SPDX-License-Identifier: Apache-2.0

/// A drawing of a trace.
///
/// ```text
/// trace 80f198ee56343ba864fe8b2a57d3eff7   3 services, 4 spans, 148 ms, 1 failed   2026-11-25 15:40:12.345
///
///   gateway  get /orders           │████████████████████████████████│   148 ms
///   └─ orders  get /orders         │ ██████████████████████████████ │   140 ms
///      ├─ orders  query-db         │     ████                       │  12.3 ms
///      └─ stock  get /stock        │           ███████████          │    51 ms  ✗ connection refused
/// ```
public struct Waterfall: Sendable {
    let screen: Screen

    /// A drawing for this screen.
    public init(on screen: Screen) {
        self.screen = screen
    }

    /// The lines of a trace.
    ///
    /// - Parameter withDetails: Whether the tags and annotations of each span follow its line.
    public func lines(_ tree: TraceTree, withDetails: Bool = false) -> [String] {
        let colours = Dictionary(uniqueKeysWithValues: tree.services.enumerated().map { ($1, $0) })
        let labels = tree.rows.map { label($0) }
        let layout = Layout(labels: labels.map(\.columns), width: screen.width, hasErrors: tree.errorCount > 0)
        var lines = heading(tree) + [""]
        for (row, label) in zip(tree.rows, labels) {
            let colour = Style.service(colours[row.span.service] ?? 0)
            lines.append(line(row, label, layout, colour, tree))
            if withDetails { lines += details(row, tree, layout) }
        }
        return lines
    }
}

// MARK: - Parts of a line

extension Waterfall {
    private struct Label {
        var guides: String
        var service: String
        var name: String
        var columns: Int { Screen.columns(guides) + Screen.columns(service) + 2 + Screen.columns(name) }
    }

    /// How the width is shared: names, bar, duration, and what is left for an error.
    private struct Layout {
        static let margin = 2
        static let duration = 9
        let label: Int
        let bar: Int
        let rest: Int

        init(labels: [Int], width: Int, hasErrors: Bool) {
            let widest = labels.max() ?? 0
            let room = width - Self.margin - Self.duration - 6
            label = max(min(widest, room * 55 / 100), 10)
            let left = max(room - label, 8)
            bar = min(max(hasErrors ? left / 2 : left * 7 / 10, 8), 80)
            rest = max(left - bar, 0)
        }
    }

    private func label(_ row: TraceTree.Row) -> Label {
        let (more, end, line, gap) = screen.hasUnicode ? ("├─ ", "└─ ", "│  ", "   ") : ("|- ", "`- ", "|  ", "   ")
        var guides = row.lines.map { $0 ? line : gap }.joined()
        if row.depth > 0 { guides += row.isLast ? end : more }
        return Label(
            guides: guides,
            service: screen.shown(row.span.service),
            name: screen.shown(row.span.name ?? "unknown")
        )
    }

    private func line(
        _ row: TraceTree.Row,
        _ label: Label,
        _ layout: Layout,
        _ colour: Style,
        _ tree: TraceTree
    ) -> String {
        let guides = screen.fitted(label.guides, min(Screen.columns(label.guides), layout.label))
        let room = max(layout.label - Screen.columns(guides), 0)
        // The text is fitted as a whole, then coloured in its parts.
        let text = screen.fitted("\(label.service)  \(label.name)", room)
        let service = text.prefix(label.service.count)
        let name = text.dropFirst(service.count)
        let duration = row.span.duration.map { Quantity.duration($0, unicode: screen.hasUnicode) } ?? "unfinished"
        let padding = String(repeating: " ", count: max(Layout.duration - Screen.columns(duration), 0))
        let nameStyle: Style = row.span.isError ? .failure : .plain
        var line =
            "  " + screen.styled(guides, .faint) + screen.styled(String(service), colour)
            + screen.styled(String(name), nameStyle) + " " + bar(row.span, layout.bar, colour, tree) + " " + padding
            + duration
        if let error = row.span.tags?["error"] {
            let mark = screen.hasUnicode ? "✗" : "x"
            let message = screen.shown(error)
            let words = message.isEmpty || message == "true" ? mark : "\(mark) \(message)"
            line += "  " + screen.styled(cut(words, layout.rest), .failure)
        }
        return line
    }

    private func cut(_ words: String, _ rest: Int) -> String {
        Screen.columns(words) <= rest ? words : screen.fitted(words, rest)
    }

    /// Where the span lies in the trace; at least a mark, however short it is.
    private func bar(_ span: ZipkinSpan, _ width: Int, _ colour: Style, _ tree: TraceTree) -> String {
        let (edge, full, point) = screen.hasUnicode ? ("│", "█", "▏") : ("|", "=", "|")
        guard let start = tree.start, let at = span.timestamp else {
            return edge + String(repeating: " ", count: width) + edge
        }
        let whole = Double(max(tree.duration, 1))
        let from = min(max(Double(Quantity.difference(at, start)) / whole, 0), 1)
        let to = min(max(Double(Quantity.difference(span.end ?? at, start)) / whole, from), 1)
        let first = min(Int(from * Double(width)), width - 1)
        let last = min(max(Int((to * Double(width)).rounded(.up)), first + 1), width)
        let isPoint = (span.duration ?? 0) <= 0 || (to - from) * Double(width) < 0.25
        let drawn = isPoint ? point : String(repeating: full, count: last - first)
        let style: Style = span.isError ? .failure : colour
        return screen.styled(edge, .faint) + String(repeating: " ", count: first) + screen.styled(drawn, style)
            + String(repeating: " ", count: width - first - (isPoint ? 1 : last - first)) + screen.styled(edge, .faint)
    }

    /// One line, or as many as a narrow screen needs.
    private func heading(_ tree: TraceTree) -> [String] {
        guard let first = tree.rows.first?.span else { return ["a trace without spans"] }
        func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
        var facts = [
            count(tree.services.count, "service"), count(tree.rows.count, "span"),
            Quantity.duration(tree.duration, unicode: screen.hasUnicode),
        ]
        let id = screen.shown(first.traceId)
        let failed = tree.errorCount == 0 ? "" : "\(tree.errorCount) failed"
        let time = tree.start.map { Quantity.time($0) } ?? ""
        if !failed.isEmpty { facts.append(failed) }
        let columns = Screen.columns("trace \(id)   \(facts.joined(separator: ", "))   \(time)")
        if !failed.isEmpty { facts[facts.count - 1] = screen.styled(failed, .failure) }
        let parts = [
            "trace " + screen.styled(id, .strong), facts.joined(separator: ", "), screen.styled(time, .faint),
        ].filter { !$0.isEmpty }
        return columns <= screen.width ? [parts.joined(separator: "   ")] : parts
    }

    private func details(_ row: TraceTree.Row, _ tree: TraceTree, _ layout: Layout) -> [String] {
        // Below the name, but where that is cut as well: of what is deeper the text is worth more than the place.
        let indent = String(repeating: " ", count: min(4 + 3 * row.depth, layout.label))
        var facts: [(String, String)] = []
        if let kind = row.span.kind { facts.append(("kind", kind.lowercased())) }
        facts.append(("id", row.span.id))
        if row.isOrphan, let parent = row.span.parentId { facts.append(("parent", "\(parent), which is not here")) }
        if let remote = row.span.remoteEndpoint { facts.append(("remote", Self.text(remote))) }
        facts += (row.span.tags ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        for annotation in row.span.annotations ?? [] {
            let after = row.span.timestamp.map { Quantity.difference(annotation.timestamp, $0) } ?? 0
            facts.append(("at " + Quantity.duration(after, unicode: screen.hasUnicode), annotation.value))
        }
        return facts.map { key, value in
            indent + screen.styled(screen.shown(key), .faint) + "  " + screen.shown(value)
        }
    }

    private static func text(_ endpoint: ZipkinSpan.Endpoint) -> String {
        var parts = [String]()
        if let name = endpoint.serviceName { parts.append(name) }
        if let address = endpoint.ipv4 ?? endpoint.ipv6.map({ "[\($0)]" }) {
            parts.append(endpoint.port.map { "\(address):\($0)" } ?? address)
        } else if let port = endpoint.port {
            parts.append("port \(port)")
        }
        return parts.joined(separator: " ")
    }
}
