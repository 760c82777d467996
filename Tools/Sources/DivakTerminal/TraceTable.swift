// TraceTable.swift - a list of traces, a line each.
// SPDX-License-Identifier: Apache-2.0

/// A drawing of a list of traces.
///
/// ```text
/// started        duration                        spans  root                          trace
/// 15:40:12.345     148 ms  ██████████████████        4  gateway  get /orders  1 ✗     80f198ee56343ba864fe8b2a57d3eff7
/// ```
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
        let barWidth = screen.width >= 110 ? 20 : screen.width >= 80 ? 10 : 0
        let rootWidth = max(screen.width - timeWidth - barWidth - idWidth - 27, 16)

        func line(_ cells: [String]) -> String {
            var joined = cells.filter { !$0.isEmpty }.joined(separator: "  ")
            while joined.last == " " { joined.removeLast() }
            return joined
        }
        var lines = [
            screen.styled(
                line([
                    screen.fitted("started", timeWidth), right("duration", 10), screen.fitted("", barWidth),
                    right("spans", 6), screen.fitted("root", rootWidth), "trace",
                ]),
                .faint
            )
        ]
        for (trace, time) in zip(traces, times) {
            let root = trace.rows.first?.span
            let (mark, full, point) = screen.hasUnicode ? ("✗", "█", "▏") : ("x", "=", "|")
            let filled = Int((Double(trace.duration) / Double(longest) * Double(barWidth)).rounded())
            let bar = screen.fitted(filled == 0 ? point : String(repeating: full, count: filled), barWidth)
            let failed = trace.errorCount > 0 ? "  \(trace.errorCount) \(mark)" : ""
            let name = "\(screen.shown(root?.service ?? "unknown"))  \(screen.shown(root?.name ?? "unknown"))"
            let style: Style = failed.isEmpty ? .plain : .failure
            lines.append(
                line([
                    screen.fitted(time, timeWidth),
                    right(Quantity.duration(trace.duration, unicode: screen.hasUnicode), 10),
                    barWidth == 0 ? "" : screen.styled(bar, failed.isEmpty ? .service(0) : .failure),
                    right("\(trace.rows.count)", 6),
                    screen.fitted(name, rootWidth - failed.count) + screen.styled(failed, style),
                    screen.shown(root?.traceId ?? ""),
                ])
            )
        }
        return lines
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - Screen.columns(text), 0)) + text
    }
}
