// SpanHandle.swift - C's name of a span as a type of Swift's.
// SPDX-License-Identifier: Apache-2.0
//
// What is inlined into other packages can't speak of `divak_span`: the C module is nobody's business but Divak's. So the
// same words have a type here, of which inlined code needs to know its size and one flag.

internal import CDivak

/// A `divak_span`, field by field (divak/span.h).
@usableFromInline
struct SpanHandle: Sendable {
    var traceIDHigh: UInt64 = 0
    var traceIDLow: UInt64 = 0
    var spanID: UInt64 = 0
    var parentID: UInt64 = 0
    var localRootID: UInt64 = 0
    var slot: UInt32 = 0
    var generation: UInt32 = 0
    @usableFromInline var flags: UInt32 = 0
    var baggage: UInt32 = 0
    var baggageGeneration: UInt32 = 0
    var anchor: UInt16 = 0
    var tracer: UInt16 = 0

    /// `DIVAK_SPAN_RECORDING`.
    @usableFromInline static var recording: UInt32 { @inlinable get { 16 } }
}

extension SpanHandle {
    @inline(__always)
    init(_ span: divak_span) {
        self = unsafeBitCast(span, to: SpanHandle.self)
    }

    /// As C has it.
    var span: divak_span {
        @inline(__always) get { unsafeBitCast(self, to: divak_span.self) }
        @inline(__always) set { self = SpanHandle(newValue) }
    }

    /// Lends C the handle where it lies.
    @inline(__always)
    func lend<Result>(_ body: (UnsafePointer<divak_span>) -> Result) -> Result {
        withUnsafePointer(to: self) { body(UnsafeRawPointer($0).assumingMemoryBound(to: divak_span.self)) }
    }

    /// Lets C write the handle where it lies.
    @inline(__always)
    mutating func fill<Result>(_ body: (UnsafeMutablePointer<divak_span>) -> Result) -> Result {
        withUnsafeMutablePointer(to: &self) {
            body(UnsafeMutableRawPointer($0).assumingMemoryBound(to: divak_span.self))
        }
    }
}
