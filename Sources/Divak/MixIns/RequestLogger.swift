// RequestLogger.swift - mix-in for handlers: a logger whose every line carries the ids.
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Gives a handler a logger whose every line carries the ids of its request and of the current span.
///
/// ```swift
/// struct RowsHandler: RequestLogger {
///     func get() {
///         logger.info("hello")          // ... requestId=... spanId=... traceId=... hello
///     }
/// }
/// ```
///
/// The ids are those at the time of the line: within an operation, the operation's. They are there however logging was
/// set up. Logging set up by ``DivakLogHandler/bootstrap(keys:_:)`` puts them into the lines of all other loggers too.
public protocol RequestLogger {}

extension RequestLogger {
    /// A logger named after the handler's type, or made from the request's logger if the framework gave it one.
    public var logger: Logger {
        if let request = DivakRequest.current { return request.logger(for: Self.self) }
        return Logger(label: loggerLabel(Self.self)).withDivakIDs()
    }
}

/// The name of a type with its module's, `Shop.RowsHandler`.
///
/// The full name of a private type has the address of its file in it, which tells a reader nothing.
func loggerLabel(_ type: Any.Type) -> String {
    let module = String(reflecting: type).prefix { $0 != "." }
    return "\(module).\(type)"
}
