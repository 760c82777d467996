// Ending.swift - an end that comes exactly once, at the latest when nobody can bring it any more.
// SPDX-License-Identifier: Apache-2.0

/// The end of something that lies in hands which may never come to it: those who write a body, or read a stream.
///
/// Whoever comes first brings it about. When the last reference goes and nobody has, it comes with what was said for
/// that case.
package final class Ending: Sendable {
    private let hasCome = Locked(false)
    private let whenForgotten: (any Error)?
    private let action: @Sendable ((any Error)?) -> Void

    /// An end to come.
    ///
    /// - Parameters:
    ///   - whenForgotten: What went wrong if nobody ever says how it ended; nil: nothing.
    ///   - action: Called once, with what went wrong.
    package init(whenForgotten: (any Error)?, _ action: @escaping @Sendable ((any Error)?) -> Void) {
        self.whenForgotten = whenForgotten
        self.action = action
    }

    deinit { come(whenForgotten) }

    /// Brings the end about, unless it has come.
    package func come(_ error: (any Error)? = nil) {
        let isFirst = hasCome.withLock { hasCome in
            defer { hasCome = true }
            return !hasCome
        }
        if isFirst { action(error) }
    }
}
