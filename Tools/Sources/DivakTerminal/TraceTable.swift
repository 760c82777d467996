// TraceTable.swift - a list of traces, a line each, or two where it is narrow.
// SPDX-License-Identifier: Apache-2.0

/// A drawing of a list of traces.
///
/// ```text
/// started        duration                        spans  root                          trace
/// 15:40:12.345     148 ms  ██████████████████        4  gateway  get /orders  1 ✗     80f198ee56343ba864fe8b2a57d3eff7
/// ```
///
/// On a screen that is too narrow for it, the id has a line of its own.
public struct TraceTable: Sendable {
    let screen: Screen

    /// A drawing for this screen.
    public init(on screen: Screen) {
        self.screen = screen
    }

    /// The lines of a list of traces, in their order.
    ///
    /// - Parameter now: Microseconds since 1970; traces of that day are shown without it.
    public func lines(_ traces: [TraceTree], now: Int64) -> [String] {
        guard !traces.isEmpty else { return ["no traces"] }
        let longest = max(traces.map(\.duration).max() ?? 1, 1)
        let times = traces.map { $0.start.map { Quantity.time($0, now: now) } ?? "unknown" }
        let timeWidth = max(times.map(\.count).max() ?? 0, "started".count)
        let idWidth = traces.map { $0.rows.first?.span.traceId.count ?? 0 }.max() ?? 0
        let layout = Layout(times: timeWidth, ids: idWidth, width: screen.width)
        let heads = Cells(time: "started", duration: "duration", spans: "spans", root: "root", id: "trace")
        var lines = layout.lines(heads, screen).map { screen.styled($0, .faint) }
        if layout.isStacked { lines.removeLast() }
        for (trace, time) in zip(traces, times) {
            let root = trace.rows.first?.span
            let (mark, full, point) = screen.hasUnicode ? ("✗", "█", "▏") : ("x", "=", "|")
            let filled = Int((Double(trace.duration) / Double(longest) * Double(layout.bar)).rounded())
            let bar = filled == 0 ? point : String(repeating: full, count: filled)
            let failed = trace.errorCount > 0 ? "  \(trace.errorCount) \(mark)" : ""
            let name = "\(screen.shown(root?.service ?? "unknown"))  \(screen.shown(root?.name ?? "unknown"))"
            let cells = Cells(
                time: time,
                duration: Quantity.duration(trace.duration, unicode: screen.hasUnicode),
                bar: bar,
                barStyle: failed.isEmpty ? .service(0) : .failure,
                spans: "\(trace.rows.count)",
                root: name,
                failed: failed,
                id: screen.shown(root?.traceId ?? "")
            )
            lines += layout.lines(cells, screen)
        }
        return lines
    }
}

/// What stands in a line.
private struct Cells {
    var time: String
    var duration: String
    var bar = ""
    var barStyle: Style = .plain
    var spans: String
    var root: String
    var failed = ""
    var id: String
}

/// How the width is shared.
///
/// Where it is scarce the bar goes first; then the id, which must be whole for whoever copies it, gets a line of its
/// own; then the number of spans goes.
private struct Layout {
    static let duration = 10
    static let spans = 6
    static let gap = 2
    let time: Int
    let bar: Int
    let root: Int
    let hasSpans: Bool
    let isStacked: Bool

    init(times: Int, ids: Int, width: Int) {
        time = times
        let taken = times + Self.duration + Self.spans + 3 * Self.gap
        let left = width - taken - Self.gap - ids
        isStacked = left < 12
        bar = left >= 42 ? 20 : left >= 28 ? 10 : 0
        hasSpans = !isStacked || width - taken >= 12
        let stacked = width - taken + (hasSpans ? 0 : Self.spans + Self.gap)
        root = max(isStacked ? stacked : left - (bar > 0 ? bar + Self.gap : 0), 1)
    }

    func lines(_ cells: Cells, _ screen: Screen) -> [String] {
        let failed = Screen.columns(cells.failed) < root ? cells.failed : ""
        let name = screen.fitted(cells.root, root - Screen.columns(failed))
        var row = [screen.fitted(cells.time, time), right(cells.duration, Self.duration)]
        if bar > 0 { row.append(screen.styled(screen.fitted(cells.bar, bar), cells.barStyle)) }
        if hasSpans { row.append(right(cells.spans, Self.spans)) }
        row.append(name + screen.styled(failed, .failure))
        if !isStacked { row.append(cells.id) }
        var joined = row.joined(separator: String(repeating: " ", count: Self.gap))
        while joined.last == " " { joined.removeLast() }
        return isStacked ? [joined, "  " + cells.id] : [joined]
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - Screen.columns(text), 0)) + text
    }
}
