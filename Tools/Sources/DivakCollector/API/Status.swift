// SPDX-License-Identifier: Apache-2.0
// Status.swift - what the collector says of itself: health, version, settings for the view, counts.

struct Status: Sendable {
    let store: SpanStore
    let intake: Intake
    let lookback: Int64

    func health() -> Answer {
        let stats = store.currentStats()
        let isUp = store.hasRoom
        let state = isUp ? "UP" : "DOWN"
        let storage = store.database == nil ? "memory" : "sqlite"
        return .json(
            """
            {"status":"\(state)","zipkin":{"status":"\(state)","details":{"\(storage)":{"status":"\(state)",\
            "details":{"spans":\(stats.live),"traces":\(stats.traces),"unwrittenBytes":\(stats.unpersistedBytes),\
            "writeFailures":\(stats.writeFailures)}}}}}
            """,
            status: isUp ? 200 : 503
        )
    }

    func info() -> Answer {
        .json(#"{"divak":{"version":"\#(Collector.version)"},"zipkin":{"api":"v2"}}"#)
    }

    /// The settings that Zipkin's own view asks for.
    func config() -> Answer {
        .json(
            """
            {"environment":"","queryLimit":10,"defaultLookback":\(min(lookback, 900_000)),"searchEnabled":true,\
            "logsUrl":null,"supportUrl":null,"archivePostUrl":null,"archiveUrl":null,\
            "dependency":{"enabled":true,"lowErrorRate":0.5,"highErrorRate":0.75}}
            """
        )
    }

    /// Counts by the names that Zipkin uses where it has them.
    ///
    /// `spans = stored + evicted` as long as the database held nothing when it was opened, which `restored` tells.
    private func counts() -> [(json: String, prometheus: String, isGauge: Bool, value: Int)] {
        let incoming = intake.stats
        let store = store.currentStats()
        return [
            ("counter.zipkin_collector.messages.http", "zipkin_collector_messages_total", false, incoming.messages),
            (
                "counter.zipkin_collector.messages_dropped.http", "zipkin_collector_messages_dropped_total", false,
                incoming.messagesRejected
            ),
            ("counter.zipkin_collector.bytes.http", "zipkin_collector_bytes_total", false, incoming.bytes),
            ("counter.zipkin_collector.spans.http", "zipkin_collector_spans_total", false, incoming.spans),
            (
                "counter.zipkin_collector.spans_dropped.http", "zipkin_collector_spans_dropped_total", false,
                incoming.spansDropped
            ),
            (
                "gauge.zipkin_collector.message_bytes.http", "zipkin_collector_message_bytes", true,
                incoming.lastMessageBytes
            ),
            (
                "gauge.zipkin_collector.message_spans.http", "zipkin_collector_message_spans", true,
                incoming.lastMessageSpans
            ),
            ("counter.divak_collector.spans_added", "divak_collector_spans_added_total", false, store.added),
            ("counter.divak_collector.spans_evicted", "divak_collector_spans_evicted_total", false, store.evicted),
            ("counter.divak_collector.spans_restored", "divak_collector_spans_restored_total", false, store.restored),
            (
                "counter.divak_collector.write_failures", "divak_collector_write_failures_total", false,
                store.writeFailures
            ),
            ("gauge.divak_collector.spans", "divak_collector_spans", true, store.live),
            ("gauge.divak_collector.traces", "divak_collector_traces", true, store.traces),
            ("gauge.divak_collector.bytes", "divak_collector_bytes", true, store.bytes),
            ("gauge.divak_collector.unwritten_bytes", "divak_collector_unwritten_bytes", true, store.unpersistedBytes),
        ]
    }

    func metrics() -> Answer {
        .json("{" + counts().map { "\"\($0.json)\":\($0.value)" }.joined(separator: ",") + "}")
    }

    func prometheus() -> Answer {
        var text = ""
        for count in counts() {
            let labels = count.json.hasSuffix(".http") ? #"{transport="http"}"# : ""
            text += "# TYPE \(count.prometheus) \(count.isGauge ? "gauge" : "counter")\n"
            text += "\(count.prometheus)\(labels) \(count.value)\n"
        }
        return Answer(
            status: 200,
            headers: [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
            body: Array(text.utf8)
        )
    }
}
