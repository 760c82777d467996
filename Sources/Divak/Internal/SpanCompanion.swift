// SpanCompanion.swift - what goes with a span that its handle has no room for, and its end when nobody ended it.
// SPDX-License-Identifier: Apache-2.0
//
// Spans of the native `withSpan` have none and so allocate nothing. Spans that are started by hand have one, so that a
// dropped one is noticed; spans of the interface `Tracing` have one, because it wants to read back what it said; and it is
// Divak's entry in a `ServiceContext`, for a span or for what came in headers.

internal import CDivak
internal import Tracing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where in a program a span was started.
struct SpanCreator: Sendable {
    let function: String
    let file: String
    let line: UInt
}

extension SpanCreator: CustomStringConvertible {
    var description: String { "\(function) at \(file):\(line)" }
}

/// An object that all copies of a span's name share.
///
/// Unchecked, since `changing` is touched only under the lock, and the rest is never written again; C's part of a span is
/// for all threads (divak/span.h).
@usableFromInline
final class SpanCompanion: @unchecked Sendable {
    let handle: divak_span
    /// By which a scope knows this entry of a context again.
    let mark = divak_current_make_mark()
    let kind: DivakKind
    let creator: SpanCreator?
    /// The context that the span was started in, without this entry.
    let base: ServiceContext?
    /// Whether the handle is an extracted parent, whose baggage is released with this object.
    private let isExtracted: Bool
    /// Who notes what is left open, in the strict mode of tests.
    private let watch: SpanWatch?

    /// What the interface `Tracing` says and reads back.
    struct Changing {
        var name: String
        var attributes = SpanAttributes()
        var links = 0
        var hasFailed = false
        var isOver = false
    }

    @exclusivity(unchecked) private var changing: Changing

    init(
        of handle: divak_span,
        name: String = "",
        kind: DivakKind = .local,
        creator: SpanCreator? = nil,
        base: ServiceContext? = nil,
        isExtracted: Bool = false
    ) {
        self.handle = handle
        self.kind = kind
        self.creator = creator
        self.base = base
        self.isExtracted = isExtracted
        changing = Changing(name: name)
        watch = creator == nil ? nil : SpanWatch.current
        if let creator { watch?.started(handle, creator) }
    }

    deinit {
        if isExtracted {
            var handle = handle
            divak_span_release(&handle)
        } else if let creator, withUnsafePointer(to: handle, divak_span_is_open) {
            // C knows whether it was ended, by whichever copy of its handle, in whichever language.
            complete()
            OrphanedSpan.report(handle, creator, to: watch)
        }
    }
}

extension SpanCompanion {
    /// The span by its name, with this object.
    var span: DivakSpan { DivakSpan(handle: handle, companion: self) }

    /// Lends what may change to one caller at a time.
    @inline(__always)
    func change<Result>(_ body: (inout Changing) -> Result) -> Result {
        let lock = SpanLocks.lock(for: self)
        defer { pthread_mutex_unlock(lock) }
        return body(&changing)
    }

    /// Lends the attributes to one caller at a time.
    var attributes: SpanAttributes {
        get { change { $0.attributes } }
        set { change { $0.attributes = newValue } }
        _modify {
            let lock = SpanLocks.lock(for: self)
            // Taken out meanwhile, so that who looks from inside of the change finds something whole.
            var attributes = SpanAttributes()
            swap(&attributes, &changing.attributes)
            defer {
                swap(&attributes, &changing.attributes)
                pthread_mutex_unlock(lock)
            }
            yield &attributes
        }
    }

    /// Says to the core what was kept until the end, once.
    ///
    /// What is changed later is left out.
    func complete() {
        change { changing in
            guard !changing.isOver else { return }
            changing.isOver = true
            guard !changing.attributes.isEmpty || changing.hasFailed else { return }
            AttributeTags.record(changing.attributes, hasFailed: changing.hasFailed, kind: kind, on: handle)
        }
    }
}

extension DivakSpan {
    /// The span with a companion that reports it when it is dropped; a span that records nothing needs none.
    @inline(__always)
    func watched(_ name: String, _ kind: DivakKind, by creator: @autoclosure () -> SpanCreator) -> DivakSpan {
        guard isRecording else { return self }
        let companion = SpanCompanion(of: handle, name: name, kind: kind, creator: creator())
        return DivakSpan(handle: handle, companion: companion)
    }
}

/// A few locks for all companions: one each would cost more than it is held.
private enum SpanLocks {
    private static let count = 64

    /// Made once, never freed.
    ///
    /// Recursive: a change of attributes may read those of its own span.
    nonisolated(unsafe) private static let locks: UnsafeMutablePointer<pthread_mutex_t> = {
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
        let locks = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: count)
        for index in 0..<count { pthread_mutex_init(locks + index, &attributes) }
        pthread_mutexattr_destroy(&attributes)
        return locks
    }()

    /// Locks the one that guards a companion.
    static func lock(for companion: SpanCompanion) -> UnsafeMutablePointer<pthread_mutex_t> {
        let address = UInt(bitPattern: Unmanaged.passUnretained(companion).toOpaque())
        let lock = locks + Int((address >> 4 ^ address >> 10) % UInt(count))
        pthread_mutex_lock(lock)
        return lock
    }
}
