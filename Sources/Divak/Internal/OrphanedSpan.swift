// OrphanedSpan.swift - what becomes of a span that its program dropped without ending it.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
import Dispatch
internal import Logging

enum OrphanedSpan {
    /// Reports an open span of which no name is left: with a mark and its creator, and without a duration.
    ///
    /// One that was never used is only counted, as abandoned. A line is logged for either.
    static func report(_ handle: divak_span, _ creator: SpanCreator, to watch: SpanWatch?) {
        let span = DivakSpan(handle: handle)
        let isUnused = withUnsafePointer(to: handle, divak_span_is_untouched)
        let what = isUnused ? "was started and never used" : "was neither finished, flushed nor abandoned"
        // Before the end, which takes the name along.
        let name = startName(handle).map { " \"\($0)\"" } ?? ""
        let text = "\(describe(handle, creator)) \(what)"
        if isUnused {
            span.abandon()
        } else {
            span.annotate("divak.orphan")
            span.tag("divak.orphan.creator", creator.description)
            span.flush()
        }
        watch?.orphaned(text)
        log("span\(name) \(what)", span, creator)
    }

    /// Warns of the first orphan of each place in the program; the others are of the level debug.
    private static func log(_ text: String, _ span: DivakSpan, _ creator: SpanCreator) {
        let place = "\(creator.file):\(creator.line)"
        let isFirst = lock.sync { places.count < placesMax && places.insert(place).inserted }
        // The task's own logger, when it has one: outside of its scopes the label is empty.
        let ambient = Logger.current
        let logger = ambient.label.isEmpty ? Logger(label: "divak") : ambient
        logger.log(
            level: isFirst ? .warning : .debug,
            "\(text)",
            metadata: ["traceId": "\(span.traceID)", "spanId": "\(span.spanID)", "creator": "\(creator)"]
        )
    }

    private static let lock = DispatchQueue(label: "divak.orphans")
    // A program has few places; one that makes them up can't fill the memory.
    private static let placesMax = 1024
    // Guarded by the lock.
    nonisolated(unsafe) private static var places: Set<String> = []
}
