// Attachments.swift - keeps what Swift lent to engines for as long as they may call it.
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Samplers, handlers, clocks and the like, of which C holds bare pointers.
///
/// An engine is never freed, and a late call may still be on its way into what it was made with when another tracer takes
/// its place. So these are let go one tracer later, as C does it with what is its own.
enum Attachments {
    private struct Kept {
        var now: [any AnyObject & Sendable] = []
        var before: [any AnyObject & Sendable] = []
    }

    private static let lock = DispatchQueue(label: "divak.attachments")
    // Guarded by the lock.
    nonisolated(unsafe) private static var kept: [OpaquePointer: Kept] = [:]

    /// Keeps these for the tracer that was just made at this place.
    static func keep(_ objects: [any AnyObject & Sendable], for tracer: OpaquePointer) {
        let gone = lock.sync {
            let last = kept[tracer] ?? Kept()
            kept[tracer] = Kept(now: objects, before: last.now)
            return last.before
        }
        // Let go here, outside of the lock: what a closure holds may have a deinit that makes a tracer.
        _ = gone
    }
}
