// DivakSpanCustomizer.swift - a span for those who may add to it, and do no more.
// SPDX-License-Identifier: Apache-2.0

/// A span that can be tagged, annotated and renamed, but not ended, moved or passed on: for code of others.
///
/// ```swift
/// protocol Parser {
///     func describe(_ request: Request, _ span: DivakSpanCustomizer)
/// }
/// parser.describe(request, span.customizer)
/// ```
public struct DivakSpanCustomizer: Sendable {
    private let span: DivakSpan

    init(_ span: DivakSpan) {
        self.span = span
    }

    /// Whether what is said about the span is kept.
    public var isRecording: Bool { span.isRecording }

    /// Tags the span with text.
    public func tag(_ key: String, _ value: @autoclosure () -> String) {
        span.tag(key, value())
    }

    /// Tags the span with text under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> String) {
        span.tag(key, value())
    }

    /// Tags the span with an integer.
    public func tag(_ key: String, _ value: @autoclosure () -> some BinaryInteger) {
        span.tag(key, value())
    }

    /// Tags the span with an integer under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> some BinaryInteger) {
        span.tag(key, value())
    }

    /// Tags the span with a number.
    public func tag(_ key: String, _ value: @autoclosure () -> Double) {
        span.tag(key, value())
    }

    /// Tags the span with a number under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Double) {
        span.tag(key, value())
    }

    /// Tags the span with the description of a value.
    public func tag(_ key: String, _ value: @autoclosure () -> some CustomStringConvertible) {
        span.tag(key, value())
    }

    /// Tags the span with the description of a value under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> some CustomStringConvertible) {
        span.tag(key, value())
    }

    /// Notes an event that happens now.
    public func annotate(_ event: @autoclosure () -> String) {
        span.annotate(event())
    }

    /// Gives the span another name.
    public func rename(_ name: @autoclosure () -> String) {
        span.rename(name())
    }
}

extension DivakSpan {
    /// The span for those who may add to it, and do no more.
    public var customizer: DivakSpanCustomizer { DivakSpanCustomizer(self) }
}
