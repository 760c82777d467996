// StructuredLogHandler.swift - lines with a structured-data element in front, as RFC 5424 writes them.
// SPDX-License-Identifier: Apache-2.0
//
//     I[sprockets@34085 service="shop" environment="production" correlation_id="4f0c" logger="shop.rows"
//       process="17" line="12" function="get()" module="Shop"] queried table="rows"          (in one line)

public import Logging

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A log handler whose lines begin with `[sprockets@34085 ...]`, for log shippers that read structured data.
///
/// ```swift
/// DivakLogHandler.bootstrap {
///     StructuredLogHandler(label: $0, service: "shop", environment: "production")
/// }
/// ```
///
/// Service and environment are written when both are known. The id of the request is taken from the line's metadata, as
/// ``DivakLogHandler`` puts it there, and is empty when there is none. All other metadata follows the message.
public struct StructuredLogHandler: LogHandler {
    /// The least level that is written.
    public var logLevel: Logger.Level = .info
    /// What is added to each line.
    public var metadata: Logger.Metadata = [:]
    /// What is asked for more of it.
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let service: String?
    private let environment: String?
    private let requestIDKey: String
    private let write: @Sendable (String) -> Void

    /// A handler for a label.
    ///
    /// - Parameters:
    ///   - label: The logger's.
    ///   - service: The service's name; nil: the variable `SERVICE`.
    ///   - environment: Where it runs, `production`; nil: the variable `ENVIRONMENT`.
    ///   - requestIDKey: Under what key the id of the request is in the metadata.
    ///   - write: Takes each line with its end; standard error by default.
    public init(
        label: String,
        service: String? = nil,
        environment: String? = nil,
        requestIDKey: String = "requestId",
        write: @escaping @Sendable (String) -> Void = { StructuredLogHandler.writeToStandardError($0) }
    ) {
        self.label = label
        self.service = service ?? Self.variable("SERVICE")
        self.environment = environment ?? Self.variable("ENVIRONMENT")
        self.requestIDKey = requestIDKey
        self.write = write
    }

    /// A value of the metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line.
    public func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let given = event.metadata { all.merge(given) { _, new in new } }
        if let error = event.error { all["error"] = .string(String(describing: error)) }
        let requestID = all.removeValue(forKey: requestIDKey).map { "\($0)" } ?? ""

        var element: [(String, String)] = []
        if let service, let environment { element = [("service", service), ("environment", environment)] }
        element += [
            ("correlation_id", requestID), ("logger", label), ("process", "\(getpid())"), ("line", "\(event.line)"),
            ("function", event.function), ("module", event.source),
        ]
        var line = "\(Self.letter(event.level))[sprockets@34085"
        for (name, value) in element { line += " \(name)=\"\(LogText.structuredValue(value))\"" }
        line += "] \(LogText.escape("\(event.message)", for: .free))"
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line += " \(LogText.escape(key, for: .bare))=\(LogText.quoted("\(value)"))"
        }
        write(line + "\n")
    }

    private static func letter(_ level: Logger.Level) -> Character {
        switch level {
        case .trace: "T"
        case .debug: "D"
        case .info: "I"
        case .notice: "N"
        case .warning: "W"
        case .error: "E"
        case .critical: "C"
        }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Writes a line to standard error as a whole, as far as the system takes it.
    public static func writeToStandardError(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = systemWrite(STDERR_FILENO, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}

/// The system's call, under a name that the property `write` does not hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
