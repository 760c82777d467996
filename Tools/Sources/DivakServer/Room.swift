// SPDX-License-Identifier: Apache-2.0
// Room.swift - how many bytes of bodies may lie here at once, for all connections together.

import Synchronization

/// A number of bytes, of which each request takes its share.
final class Room: Sendable {
    /// There is no room for more.
    struct Full: Error {}

    private let left: Mutex<Int>

    init(_ bytes: Int) { left = Mutex(bytes) }

    /// What one request has taken.
    final class Share: Sendable {
        private let room: Room
        private let taken = Mutex(0)

        init(_ room: Room) { self.room = room }

        /// Takes more, all of it or nothing.
        func take(_ bytes: Int) throws(Full) {
            let hasRoom = room.left.withLock { left in
                if left < bytes { return false }
                left -= bytes
                return true
            }
            guard hasRoom else { throw Full() }
            taken.withLock { $0 += bytes }
        }

        /// Gives back all that was taken.
        func giveBack() {
            let bytes = taken.withLock { taken in
                defer { taken = 0 }
                return taken
            }
            room.left.withLock { $0 += bytes }
        }
    }
}
