// HTTPFailure.swift - a request that failed: a line for the log, and a body for the client that says less.
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// A request that failed, as the log and as the client are to see it.
///
/// ```swift
/// let failure = HTTPFailure(method: "GET", target: "/x", status: 456, logMessage: "oops")
/// failure.write(to: logger)                                       // GET /x failed with 456: oops
/// response.body = failure.json(revealsErrors: false)              // {"type":null,"message":"Unknown",...}
/// ```
public struct HTTPFailure: Sendable {
    /// The method.
    public var method: String
    /// The request's target.
    public var target: String
    /// The status of the response.
    public var status: Int
    /// The words behind the status; nil: the usual ones.
    public var reason: String?
    /// What the log is to say instead of these words; never sent to the client.
    public var logMessage: String?
    /// What was thrown.
    public var error: (any Error)?

    /// A failure of what is known.
    public init(
        method: String,
        target: String,
        status: Int,
        reason: String? = nil,
        logMessage: String? = nil,
        error: (any Error)? = nil
    ) {
        self.method = method
        self.target = target
        self.status = status
        self.reason = reason
        self.logMessage = logMessage
        self.error = error
    }

    private var words: String { reason ?? HTTPReason.usual(status) ?? "Unknown" }

    /// `GET /x failed with 456: oops`.
    public var line: String {
        "\(LogText.escape(method, for: .bare)) \(LogText.escape(target, for: .bare)) failed with \(status): "
            + LogText.escape(logMessage ?? words, for: .free)
    }

    /// A warning when the client is to blame, else an error.
    public var level: Logger.Level { (400..<500).contains(status) ? .warning : .error }

    /// Writes ``line`` to a logger.
    public func write(to logger: Logger) {
        logger.log(level: level, "\(line)", error: error)
    }

    /// A JSON object for the client: `{"type":...,"message":...,"traceback":null}`.
    ///
    /// - Parameter revealsErrors: Whether the type and the description of ``error`` are told to the client: in
    ///   development, or where errors are made for clients' eyes. Otherwise the type is null and the message has the
    ///   words of the status.
    public func json(revealsErrors: Bool) -> String {
        var (type, message) = ("null", words)
        if revealsErrors, let error {
            type = LogText.json("\(Swift.type(of: error))")
            message = String(describing: error)
        }
        return "{\"type\":\(type),\"message\":\(LogText.json(message)),\"traceback\":null}"
    }
}
