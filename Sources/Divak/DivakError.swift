// DivakError.swift - the one error that Divak throws.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// What went wrong: a code to act upon, and words for people.
///
/// ```swift
/// do {
///     try await tracer.flush()
/// } catch {
///     if error.code == .lost { print("\(error.lost) spans were dropped: \(tracer.statistics.dropped)") }
/// }
/// ```
public struct DivakError: Error, Sendable, Hashable {
    /// The kind of error.
    ///
    /// New kinds may appear in later versions.
    public struct Code: Sendable, Hashable, RawRepresentable {
        /// The status number of the C interface, negative.
        public let rawValue: Int32

        /// Wraps a status number of the C interface.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// A value that is not among those accepted.
        public static let invalid = Code(rawValue: Int32(DIVAK_ERROR_INVALID))
        /// No memory, or the byte budget is used up.
        public static let memory = Code(rawValue: Int32(DIVAK_ERROR_MEMORY))
        /// Something that the operating system refused.
        public static let system = Code(rawValue: Int32(DIVAK_ERROR_SYSTEM))
        /// A table of fixed size that has no room.
        public static let full = Code(rawValue: Int32(DIVAK_ERROR_FULL))
        /// A tracer that was shut down before.
        public static let ended = Code(rawValue: Int32(DIVAK_ERROR_ENDED))
        /// A deadline that came first.
        public static let timeout = Code(rawValue: Int32(DIVAK_ERROR_TIMEOUT))
        /// Spans that were dropped since the last flush.
        public static let lost = Code(rawValue: Int32(DIVAK_ERROR_LOST))
        /// A span that is no more, or that has no tracer.
        public static let stale = Code(rawValue: Int32(DIVAK_ERROR_STALE))
        /// Something that this build or platform does not have.
        public static let unsupported = Code(rawValue: Int32(DIVAK_ERROR_UNSUPPORTED))
    }

    /// What to act upon.
    public let code: Code
    /// What to show.
    public let message: String
    /// How many spans were dropped since the last flush, as far as this call learned it.
    public let lost: UInt64

    /// Makes an error; programs need it in their tests only.
    public init(code: Code, message: String, lost: UInt64 = 0) {
        self.code = code
        self.message = message
        self.lost = lost
    }
}

extension DivakError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}

extension DivakError {
    /// The error for a negative status, in the words of the C library and with what was being done.
    init(status: Int32, while doing: String, detail: String = "", lost: UInt64 = 0) {
        let words = String(cString: divak_status_text(status))
        let message = detail.isEmpty ? "\(doing): \(words)" : "\(doing): \(words): \(detail)"
        self.init(code: Code(rawValue: status), message: message, lost: lost)
    }
}
