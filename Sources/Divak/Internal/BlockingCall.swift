// BlockingCall.swift - a thread of its own for a call that blocks.
// SPDX-License-Identifier: Apache-2.0
//
// Not Dispatch: on Linux its global queues are the very threads that Swift's tasks run on, as many as there are
// processors; so many calls that wait there stop every task of the program.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Runs `call` on a new thread and returns what it returned; nil when the system has no thread left.
func runOnOwnThread<Result: Sendable>(_ call: @escaping @Sendable () -> Result) async -> Result? {
    await withCheckedContinuation { (done: CheckedContinuation<Result?, Never>) in
        let isStarted = startThread { done.resume(returning: call()) }
        if !isStarted { done.resume(returning: nil) }
    }
}

/// What a new thread is to do, in a form that a pointer can carry.
private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}

/// Starts a detached thread; false, and nothing runs, when there can be none.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return false }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let work = Unmanaged.passRetained(Work(body))

    #if canImport(Darwin)
    var thread: pthread_t?
    let run: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { argument in
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
        return nil
    }
    #else
    var thread = pthread_t()
    let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
    }
    #endif
    guard pthread_create(&thread, &attributes, run, work.toOpaque()) == 0 else {
        work.release()
        return false
    }
    return true
}
