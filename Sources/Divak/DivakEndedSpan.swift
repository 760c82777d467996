// DivakEndedSpan.swift - a span after its end, in the hands of a handler.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// A span that has ended and is not reported yet: read it, change it.
///
/// ```swift
/// DivakHandler(end: { span in
///     if let query = span["sql.query"] { span["sql.query"] = redact(query) }
///     span["children"] = counts.text(for: span.context.spanID)
///     return .keep
/// })
/// ```
///
/// It can't be copied, and so never outlives the handler that it was lent to. Default tags (``DivakConfiguration/tags``)
/// come later and are not in it.
public struct DivakEndedSpan: ~Copyable {
    let pointer: OpaquePointer

    init(pointer: OpaquePointer) {
        self.pointer = pointer
    }

    /// Why a span came to the handler.
    public enum Cause: Sendable, Hashable {
        /// It was finished.
        case finished
        /// It was flushed, without an end.
        case flushed
    }

    /// An event of a span.
    public struct Annotation: Sendable, Hashable {
        /// When it happened.
        public var time: DivakTimestamp
        /// What happened.
        public var text: String
    }

    /// The ids and flags; nothing can be said to this span any more.
    public var context: DivakSpan {
        var handle = divak_span()
        divak_ended_span_ids(pointer, &handle)
        return DivakSpan(handle: handle)
    }

    /// Why the span came here.
    public var cause: Cause {
        divak_ended_span_cause(pointer) == UInt32(DIVAK_CAUSE_FLUSHED) ? .flushed : .finished
    }

    /// The role of the span.
    public var kind: DivakKind { DivakKind(rawValue: divak_ended_span_kind(pointer)) }

    /// When the span began, or nil when that is not known.
    public var start: DivakTimestamp? {
        let time = divak_ended_span_start(pointer)
        return time == 0 ? nil : DivakTimestamp(microsecondsSinceEpoch: time)
    }

    /// How long the span took, or nil when it was flushed without an end.
    public var duration: Duration? {
        let microseconds = divak_ended_span_duration(pointer)
        return microseconds == 0 ? nil : .microseconds(Int64(clamping: microseconds))
    }

    /// The name, empty when it has none.
    public var name: String {
        get {
            var count = 0
            let bytes = divak_ended_span_name(pointer, &count)
            return String(bytes: bytes, count: count)
        }
        set { _ = newValue.withBytes { divak_ended_span_set_name(pointer, $0, $1) } }
    }

    /// The value of a tag; nil takes it away.
    ///
    /// A value that finds no room takes the old one away as well: what was to be redacted never gets out.
    public subscript(key: String) -> String? {
        get {
            key.withBytes { key, keyCount in
                var count = 0
                let bytes = divak_ended_span_tag(pointer, key, keyCount, &count)
                return bytes.map { String(bytes: $0, count: count) }
            }
        }
        set {
            key.withBytes { key, keyCount in
                var status = Int32(DIVAK_ABSENT)
                if let newValue {
                    status = newValue.withBytes { divak_ended_span_set_tag(pointer, key, keyCount, $0, $1) }
                }
                if status != DIVAK_OK { _ = divak_ended_span_remove_tag(pointer, key, keyCount) }
            }
        }
    }

    /// All tags, numbers as text.
    public var tags: [String: String] {
        var tags: [String: String] = [:]
        var key: UnsafePointer<CChar>?
        var value: UnsafePointer<CChar>?
        var keyCount = 0
        var count = 0
        var index = 0
        while divak_ended_span_tag_at(pointer, index, &key, &keyCount, &value, &count) {
            tags[String(bytes: key, count: keyCount)] = String(bytes: value, count: count)
            index += 1
        }
        return tags
    }

    /// The events, in the order of recording.
    public var annotations: [Annotation] {
        var annotations: [Annotation] = []
        var time: UInt64 = 0
        var text: UnsafePointer<CChar>?
        var count = 0
        while divak_ended_span_annotation_at(pointer, annotations.count, &time, &text, &count) {
            let text = String(bytes: text, count: count)
            annotations.append(Annotation(time: DivakTimestamp(microsecondsSinceEpoch: time), text: text))
        }
        return annotations
    }

    /// Takes away the events that meet a condition.
    public mutating func removeAnnotations(where isUnwanted: (Annotation) -> Bool) {
        for (index, annotation) in annotations.enumerated().reversed() where isUnwanted(annotation) {
            _ = divak_ended_span_remove_annotation(pointer, index)
        }
    }

    /// Says who was on the other side, in place of what was known.
    public mutating func setRemote(_ endpoint: DivakEndpoint) {
        _ = endpoint.withEndpoint { divak_ended_span_set_remote(pointer, $0) }
    }
}
