// CurrentSpan.swift - one notion of "current" for Swift tasks and C threads.
// SPDX-License-Identifier: Apache-2.0
//
// A Swift scope binds a task-local, so that child tasks inherit it and it follows its task from thread to thread. A C
// scope belongs to a thread. Who asks for the current span, in either language, asks C: it knows the scopes of the
// thread, and where none is open it asks the provider below, which reads the task-local. A synchronous Swift scope that
// is entered while a C scope is open on its thread opens a C scope as well, so that the innermost one wins here too.

internal import CDivak

enum CurrentSpan {
    /// The span of the innermost Swift scope around this task.
    @TaskLocal static var bound: DivakSpan?

    /// Lets C see the task-local.
    ///
    /// Evaluated once, before the first span can be bound.
    static let isShared: Bool = {
        divak_set_current_provider(
            { _, span in
                guard let span, let bound = CurrentSpan.bound else { return Int32(DIVAK_ABSENT) }
                span.pointee = bound.handle
                return Int32(DIVAK_OK)
            },
            nil
        )
        return true
    }()

    /// What a span that starts now would have as its parent.
    static func read() -> DivakSpan? {
        _ = isShared
        var handle = divak_span()
        guard divak_current(&handle) == DIVAK_OK else { return nil }
        return DivakSpan(handle: handle)
    }
}
