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
    /// What all copies of the span share, where this is an entry for one that has got other baggage or another decision.
    private let origin: SpanCompanion?
    /// Who notes what is left open, in the strict mode of tests.
    private let watch: SpanWatch?

    /// What the interface `Tracing` says and reads back.
    struct Changing {
        var name: String
        /// Nil: there are none, or somebody is changing them.
        var attributes: SpanAttributes?
        /// Who is changing them, and how often inside of one another; nil and 0: nobody.
        var borrower: pthread_t?
        var loans = 0
        var hasFailed = false
        var isOver = false
    }

    @exclusivity(unchecked) private var changing: Changing
    private let guards = SpanGuards.all

    init(
        of handle: divak_span,
        name: String = "",
        kind: DivakKind = .local,
        creator: SpanCreator? = nil,
        base: ServiceContext? = nil,
        isExtracted: Bool = false,
        origin: SpanCompanion? = nil
    ) {
        self.handle = handle
        self.kind = kind
        self.creator = creator
        self.base = base
        self.isExtracted = isExtracted
        self.origin = origin
        changing = Changing(name: name)
        watch = creator == nil ? nil : SpanWatch.current
        if let creator { watch?.started(handle, creator) }
    }

    deinit {
        if isExtracted {
            var handle = handle
            divak_span_release(&handle)
        } else if let creator, !changing.isOver, withUnsafePointer(to: handle, divak_span_is_open) {
            // C knows whether it was ended, by whichever copy of its handle, in whichever language.
            complete()
            OrphanedSpan.report(handle, creator, to: watch)
        }
    }
}

extension SpanCompanion {
    /// The object that all copies of the span share: this one but for an entry of its own for a changed copy.
    var shared: SpanCompanion { origin ?? self }

    /// The span by its name, with what all its copies share.
    var span: DivakSpan { DivakSpan(handle: handle, companion: shared) }

    /// What guards what may change.
    ///
    /// By the address, which a thread that makes one span after the other finds again: so it seldom takes a guard that
    /// another thread had last.
    private var guardian: UnsafeMutablePointer<SpanGuard> {
        @inline(__always) get {
            let address = UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())
            return guards + Int((address >> 4 ^ address >> 10) % UInt(SpanGuards.count))
        }
    }

    /// Lends what may change, but for the attributes, to one caller at a time.
    @inline(__always)
    func change<Result>(_ body: (inout Changing) -> Result) -> Result {
        let guardian = guardian
        guardian.lock()
        defer { guardian.unlock() }
        return body(&changing)
    }

    /// The attributes, as a change that is whole.
    var attributes: SpanAttributes {
        get {
            let guardian = guardian
            guardian.lock()
            defer { guardian.unlock() }
            awaitAttributes(guardian)
            return changing.attributes ?? SpanAttributes()
        }
        set {
            var attributes = newValue
            _ = lendAttributes()
            takeBackAttributes(&attributes)
        }
    }

    /// Lends the attributes to one thread at a time, which must give them back.
    ///
    /// They are taken out meanwhile, so that who looks from inside of the change finds something whole. No lock is held:
    /// whoever changes them may run anything, and wait for anybody who does not want these.
    func lendAttributes() -> SpanAttributes {
        let guardian = guardian
        guardian.lock()
        defer { guardian.unlock() }
        awaitAttributes(guardian)
        return borrowAttributes() ?? guardian.pointee.noAttributes
    }

    /// Takes back what was lent; says it to the core at once when nobody will come to say that the span is over.
    func takeBackAttributes(_ attributes: inout SpanAttributes) {
        let isKept = creator != nil || attributes.isEmpty
        if !isKept { AttributeTags.record(attributes, hasFailed: false, kind: kind, on: handle) }
        let guardian = guardian
        guardian.lock()
        defer { guardian.unlock() }
        if isKept {
            // Moved, which counts no reference.
            var moved = SpanAttributes()
            swap(&moved, &attributes)
            changing.attributes = consume moved
        }
        endLoan(guardian)
    }

    /// Says to the core what was kept until the end, once.
    ///
    /// What is changed later is left out.
    func complete() {
        let guardian = guardian
        guardian.lock()
        defer { guardian.unlock() }
        awaitAttributes(guardian)
        guard !changing.isOver else { return }
        changing.isOver = true
        let hasFailed = changing.hasFailed
        // Moved out, and back in: the text of an attribute may be made by code of the program.
        let attributes = borrowAttributes() ?? SpanAttributes()
        if hasFailed || !attributes.isEmpty {
            guardian.unlock()
            AttributeTags.record(attributes, hasFailed: hasFailed, kind: kind, on: handle)
            guardian.lock()
        }
        changing.attributes = consume attributes
        endLoan(guardian)
    }

    /// Waits, under the guard, until no other thread is changing the attributes.
    @inline(__always)
    private func awaitAttributes(_ guardian: UnsafeMutablePointer<SpanGuard>) {
        while let borrower = changing.borrower, pthread_equal(borrower, pthread_self()) == 0 { guardian.wait() }
    }

    /// Takes the attributes out, under the guard, for this thread.
    @inline(__always)
    private func borrowAttributes() -> SpanAttributes? {
        changing.borrower = pthread_self()
        changing.loans += 1
        return changing.attributes.take()
    }

    /// Lets others come to the attributes, under the guard.
    @inline(__always)
    private func endLoan(_ guardian: UnsafeMutablePointer<SpanGuard>) {
        changing.loans -= 1
        guard changing.loans == 0 else { return }
        changing.borrower = nil
        guardian.wakeWaiters()
    }

    /// The context that the span was started in, with an entry for this copy of it.
    ///
    /// What is current is the next best, where the span was not started in one.
    func context(of copy: divak_span) -> ServiceContext {
        var context = base ?? ServiceContext.current ?? .topLevel
        let isChanged =
            copy.flags != handle.flags || copy.baggage != handle.baggage
            || copy.baggage_generation != handle.baggage_generation
        context[DivakContextKey.self] = isChanged ? SpanCompanion(of: copy, kind: kind, base: base, origin: self) : self
        return context
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

/// What guards the changes of companions: a few for all, since one each would cost more than it is held.
private struct SpanGuard {
    var mutex = pthread_mutex_t()
    /// For those who wait until attributes are given back: how many, and by which they are woken.
    var waiters = 0
    var returned = pthread_cond_t()
    /// None, with room for some: who changes a copy of this gets the room in one allocation.
    ///
    /// One for each guard, so that threads seldom meet in counting its references.
    var noAttributes = SpanAttributes()
}

private enum SpanGuards {
    static let count = 64

    /// Made once, never freed.
    nonisolated(unsafe) static let all: UnsafeMutablePointer<SpanGuard> = {
        let guards = UnsafeMutablePointer<SpanGuard>.allocate(capacity: count)
        for index in 0..<count {
            (guards + index).initialize(to: SpanGuard())
            pthread_mutex_init(&guards[index].mutex, nil)
            pthread_cond_init(&guards[index].returned, nil)
            guards[index].noAttributes.reserveCapacity(6)
        }
        return guards
    }()
}

extension UnsafeMutablePointer<SpanGuard> {
    @inline(__always)
    fileprivate func lock() { pthread_mutex_lock(&pointee.mutex) }

    @inline(__always)
    fileprivate func unlock() { pthread_mutex_unlock(&pointee.mutex) }

    /// Lets go of the guard until attributes were given back.
    @inline(never)
    fileprivate func wait() {
        pointee.waiters += 1
        pthread_cond_wait(&pointee.returned, &pointee.mutex)
        pointee.waiters -= 1
    }

    @inline(__always)
    fileprivate func wakeWaiters() {
        if pointee.waiters > 0 { pthread_cond_broadcast(&pointee.returned) }
    }
}
