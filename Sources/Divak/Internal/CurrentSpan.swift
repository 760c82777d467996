// CurrentSpan.swift - one notion of "current" for Swift tasks, `ServiceContext` and C threads.
// SPDX-License-Identifier: Apache-2.0
//
// Three things can make a span current: a native scope (a task-local here), an entry in the task-local `ServiceContext`,
// and a C scope (a thread's own). The innermost counts. Which one that is can be told from outside only by what each
// scope remembers: native and C scopes note, when they are bound, the mark of the entry that the context then had. A
// context that still has that entry, or none of ours, is further out, or has nothing to say: the scope is current. One
// with any other entry was bound inside of the scope: its entry is current. And a native scope inside of a C scope opens
// a C scope as well, so that of these two the innermost is known too.

internal import CDivak
internal import Tracing

/// A native scope: its span, and the mark of the context's entry that it was bound under (0: none).
///
/// A plain value, with nothing to count: binding it copies bytes.
struct SpanScope: Sendable {
    var handle: divak_span
    var mark: UInt64

    /// No scope, and nothing that is current.
    static let none = SpanScope(handle: divak_span(), mark: 0)
}

enum CurrentSpan {
    /// The innermost native scope around this task.
    @TaskLocal static var scope = SpanScope.none

    /// What keeps alive the companion of the scope's span, if it has one.
    @TaskLocal static var companion: SpanCompanion?

    /// Divak's entry in the task's context.
    static var entry: SpanCompanion? {
        guard let context = ServiceContext.current else { return nil }
        return entry(of: context)
    }

    /// Divak's entry in a context.
    static func entry(of context: ServiceContext) -> SpanCompanion? {
        withExtendedLifetime(context) { lentEntry(of: context)?.companion }
    }

    /// The same without counting a reference: it is to be used only as long as the context is held.
    static func lentEntry(of context: ServiceContext) -> LentEntry? {
        // Most contexts hold our entry and no other. To look at all is then half of what it costs to look for one.
        guard context.count <= 2 else { return context[DivakContextKey.self].map { LentEntry(.passUnretained($0)) } }
        var entry: LentEntry?
        context.forEach { key, value in
            if key.keyType == DivakContextKey.self { entry = LentEntry.lent(by: value) }
        }
        return entry
    }

    /// What is current, given the entry of a context.
    @inline(__always)
    static func resolve(_ entry: LentEntry?) -> SpanScope {
        var scope = scope
        var (handle, mark) = (divak_span(), UInt64(0))
        if divak_scope_innermost(&handle, &mark) { scope = SpanScope(handle: handle, mark: mark) }
        guard let entry, entry.mark != scope.mark else { return scope }
        return SpanScope(handle: entry.handle, mark: entry.mark)
    }

    /// The current span, or nil.
    static func read() -> DivakSpan? {
        let entry = entry
        let current = withExtendedLifetime(entry) { resolve(entry.map { LentEntry(.passUnretained($0)) }) }
        guard current.handle.span_id != 0 else { return nil }
        var span = DivakSpan(handle: current.handle)
        // Whichever companion is around, if it is this span's. The handle stays: its baggage and decision are those that
        // the span was bound with, which may be other ones than it began with.
        for case let around? in [entry?.shared, companion] where around.span == span {
            span.companion = around
            break
        }
        return span
    }

    /// Lets C see the task-locals.
    ///
    /// Evaluated once, before the first span can be bound.
    static let isShared: Bool = {
        var provider = divak_current_provider()
        provider.current = { _, scopeMark, span in
            guard let span else { return Int32(DIVAK_ABSENT) }
            let entry = CurrentSpan.entry
            if let scopeMark {
                guard let entry, entry.mark != scopeMark.pointee else { return Int32(DIVAK_ABSENT) }
                span.pointee = entry.handle
            } else if let entry, entry.mark != CurrentSpan.scope.mark {
                span.pointee = entry.handle
            } else {
                span.pointee = CurrentSpan.scope.handle
            }
            if span.pointee.span_id == 0 { span.pointee = divak_no_parent }
            return Int32(DIVAK_OK)
        }
        provider.mark = { _ in CurrentSpan.entry?.mark ?? 0 }
        divak_set_current_provider(&provider)
        return true
    }()
}

/// An entry of a context that somebody else holds.
struct LentEntry {
    private let lent: Unmanaged<SpanCompanion>

    init(_ lent: Unmanaged<SpanCompanion>) { self.lent = lent }

    /// The value as what it is: there is no other under our key.
    ///
    /// Not an initializer, which would own a copy of the value, and count it.
    fileprivate static func lent<Value>(by value: Value) -> LentEntry? {
        guard Value.self == SpanCompanion.self else { return nil }
        return withUnsafePointer(to: value) {
            LentEntry(UnsafeRawPointer($0).load(as: Unmanaged<SpanCompanion>.self))
        }
    }

    var companion: SpanCompanion { lent.takeUnretainedValue() }

    var mark: UInt64 {
        @inline(__always) get { lent._withUnsafeGuaranteedRef { $0.mark } }
    }

    var handle: divak_span {
        @inline(__always) get { lent._withUnsafeGuaranteedRef { $0.handle } }
    }
}

/// Divak's place in a `ServiceContext`.
enum DivakContextKey: ServiceContextKey {
    typealias Value = SpanCompanion

    static var nameOverride: String? { "divak.span" }
}

extension SpanCompanion: CustomStringConvertible {
    /// The ids, for whoever prints a context.
    @usableFromInline var description: String { handle.span_id == 0 ? "none" : span.description }
}
