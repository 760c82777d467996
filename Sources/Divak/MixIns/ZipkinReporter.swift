// ZipkinReporter.swift - Zipkin, as applications add it to their reporters.
// SPDX-License-Identifier: Apache-2.0

/// Something that stands for a reporter.
public protocol DivakReporterConvertible {
    /// The reporter to put into a configuration.
    var asReporter: DivakReporter { get }
}

extension DivakReporter: DivakReporterConvertible {
    /// Itself.
    public var asReporter: DivakReporter { self }
}

/// Zipkin at a base URL.
///
/// ```swift
/// try addDivakReporter(ZipkinReporter("http://127.0.0.1:9411/api/v2"))
/// ```
public struct ZipkinReporter: DivakReporterConvertible, Sendable, Hashable {
    /// Where Zipkin listens.
    public let url: String

    /// Zipkin at host and port alone, or with `/api/v2`, or with `/api/v2/spans`: all mean the same.
    public init(_ url: String) {
        self.url = url
    }

    /// The reporter to put into a configuration.
    public var asReporter: DivakReporter { .zipkin(url) }
}
