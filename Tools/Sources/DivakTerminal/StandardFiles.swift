// StandardFiles.swift - standard output and error, in whatever state we were given them.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Standard output and error: closed, on a full disk, or a pipe that nobody reads, they end no program.
public enum StandardFiles {
    /// What was not written, and why.
    public struct Failure: Error, CustomStringConvertible {
        /// As the system has it, such as `ENOSPC`.
        public let number: Int32
        /// Such as `No space left on device`.
        public var description: String { String(cString: strerror(number)) }
    }

    /// Takes the numbers of those that are closed, so that no connection and no file of ours gets what is meant for
    /// people.
    ///
    /// Call it before anything else is opened. Each is opened the wrong way round, so that its use fails as before.
    public static func claim() {
        for file in STDIN_FILENO...STDERR_FILENO where fcntl(file, F_GETFD) == -1 && errno == EBADF {
            // The lowest number that is free, which is this one.
            _ = open("/dev/null", (file == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC)
        }
    }

    /// Writes to standard output, at once: a reader at a pipe's end may wait for it.
    public static func write(_ bytes: some Sequence<UInt8>) throws(Failure) {
        try write(Array(bytes), to: STDOUT_FILENO)
    }

    /// Says something on standard error: a line, if it can be written.
    public static func say(_ line: String) {
        try? write(Array("\(line)\n".utf8), to: STDERR_FILENO)
    }

    private static func write(_ bytes: [UInt8], to file: Int32) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { whole in
                systemWrite(file, whole.baseAddress.map { $0 + written }, whole.count - written)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                // Whoever shares the terminal made it so; it takes more when it has shown this.
                var ready = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            } else if errno != EINTR {
                throw Failure(number: errno)
            }
        }
    }
}

/// The system's `write`, which the methods above hide.
private func systemWrite(_ file: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}
