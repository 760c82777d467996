// SpanWatch.swift - notes what a piece of a program leaves open: for the strict mode of tests.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
import Dispatch

/// Notes the spans that are started by hand while it is the task's watch, and the scopes that are closed wrongly.
///
/// Bound to a task-local, so that child tasks have it too and tests that run beside each other don't disturb one another.
package final class SpanWatch: Sendable {
    @TaskLocal package static var current: SpanWatch?

    private struct Noted {
        var started: [(handle: divak_span, creator: SpanCreator)] = []
        var problems: [String] = []
        // How many spans may be noted before those that have ended are forgotten.
        var limit = 64
    }

    private let lock = DispatchQueue(label: "divak.span-watch")
    // Guarded by the lock.
    nonisolated(unsafe) private var noted = Noted()

    // All watches at work, for what happens outside of every task; guarded by its lock.
    private static let allLock = DispatchQueue(label: "divak.span-watch.all")
    nonisolated(unsafe) private static var all: [SpanWatch] = []

    /// A watch that hears of scopes from now on until ``problems()`` is asked for.
    package init() {
        _ = Self.hearsOfScopes
        Self.allLock.sync { Self.all.append(self) }
    }

    func started(_ handle: divak_span, _ creator: SpanCreator) {
        lock.sync {
            if noted.started.count == noted.limit {
                noted.started.removeAll { !withUnsafePointer(to: $0.handle, divak_span_is_open) }
                noted.limit = max(64, 2 * noted.started.count)
            }
            noted.started.append((handle, creator))
        }
    }

    func orphaned(_ description: String) {
        lock.sync { noted.problems.append(description) }
    }

    private func closedWrongly(_ spanID: UInt64, isOtherThread: Bool) {
        let place = isOtherThread ? "on another thread than the one that opened it" : "out of order, or twice"
        lock.sync {
            let known = noted.started.last { $0.handle.span_id == spanID }
            let span = known.map { describe($0.handle, $0.creator) } ?? "span \(hexadecimal(spanID))"
            noted.problems.append("the scope of \(spanID == 0 ? "no span" : span) was closed \(place)")
        }
    }

    private func knows(_ spanID: UInt64) -> Bool {
        lock.sync { noted.started.contains { $0.handle.span_id == spanID } }
    }

    /// Everything that went wrong, spans that are still open among it; ends the watch.
    package func problems() -> [String] {
        Self.allLock.sync { Self.all.removeAll { $0 === self } }
        return lock.sync {
            let open = noted.started.filter { withUnsafePointer(to: $0.handle, divak_span_is_open) }
            return noted.problems + open.map { "\(describe($0.handle, $0.creator)) was not ended" }
        }
    }

    /// The scope of C that was left open on this thread, if what is current is not what was current `before`.
    package static func leftOpen(since before: DivakSpan?) -> String? {
        let now = DivakSpan.current
        guard now != before else { return nil }
        guard let now else { return "a scope that was open on this thread was closed" }
        let creator = now.companion?.creator
        return "a scope of \(describe(now.handle, creator)) was left open on this thread"
    }

    /// Asked by C for each close of a scope that it refuses: whoever can tell whose it was hears of it.
    private static let hearsOfScopes: Bool = {
        divak_set_scope_refused(
            { _, spanID, isOtherThread in
                let watches = SpanWatch.allLock.sync { SpanWatch.all }
                let knowing = SpanWatch.current.map { [$0] } ?? watches.filter { $0.knows(spanID) }
                for watch in knowing.isEmpty ? watches : knowing {
                    watch.closedWrongly(spanID, isOtherThread: isOtherThread)
                }
            },
            nil
        )
        return true
    }()
}

/// A span in words: its name, ids and creator, as far as they are known.
func describe(_ handle: divak_span, _ creator: SpanCreator?) -> String {
    let name = startName(handle).map { " \"\($0)\"" } ?? ""
    let ids = DivakSpan(handle: handle)
    return "span\(name) \(ids.traceID)-\(ids.spanID)" + (creator.map { ", started by \($0)," } ?? "")
}

/// The name that an open span started with, its beginning if it is long, or nil.
func startName(_ handle: divak_span) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 255) { buffer in
        var count = 0
        let status = withUnsafePointer(to: handle) {
            divak_span_start_name($0, buffer.baseAddress, buffer.count, &count)
        }
        return status == DIVAK_ABSENT ? nil : String(bytes: buffer.baseAddress, count: min(count, buffer.count))
    }
}
