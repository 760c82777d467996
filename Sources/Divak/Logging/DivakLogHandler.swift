// DivakLogHandler.swift - puts the ids of the current span into every line that goes through it.
// SPDX-License-Identifier: Apache-2.0
//
// There are two ways to get ids into the lines of any logger. A metadata provider is called by handlers that ask for
// one; not all do. This handler wraps another and adds the ids to the event itself, so it works with all of them.

public import Logging

/// A log handler that adds the ids of the current span and request to each line, and hands it to another handler.
///
/// ```swift
/// DivakLogHandler.bootstrap { StreamLogHandler.standardError(label: $0) }
/// ```
///
/// or, where the program sets logging up by itself:
///
/// ```swift
/// LoggingSystem.bootstrap { label in
///     DivakLogHandler(StreamLogHandler.standardError(label: label))
/// }
/// ```
///
/// The ids are read when a line is written: loggers that were made before the tracer, or outside the span, carry them
/// too. Metadata of the line or of its logger under one of the keys stays as it is.
public struct DivakLogHandler: LogHandler {
    private var base: any LogHandler
    private let keys: DivakLogKeys

    /// Wraps a handler; one that is wrapped already is not wrapped twice, and gets these keys.
    public init(_ base: any LogHandler, keys: DivakLogKeys = DivakLogKeys()) {
        self.base = (base as? DivakLogHandler)?.base ?? base
        self.keys = keys
    }

    /// Hands the line on with the ids.
    public func log(event: LogEvent) {
        var metadata = keys.metadata()
        guard !metadata.isEmpty else { return base.log(event: event) }
        let own = base.metadata
        if !own.isEmpty { metadata = metadata.filter { own[$0.key] == nil } }
        if let given = event.metadata { metadata.merge(given) { _, given in given } }
        var event = event
        event.metadata = metadata
        base.log(event: event)
    }

    /// The wrapped handler's provider.
    public var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    /// The wrapped handler's metadata.
    public var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    /// The wrapped handler's level.
    public var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    /// A value of the wrapped handler's metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }
}

// MARK: - Setting logging up

extension DivakLogHandler {
    private static let isBootstrapped = Locked(false)

    /// Sets logging up so that the lines of all loggers made from now on carry the ids.
    ///
    /// ```swift
    /// DivakLogHandler.bootstrap { StreamLogHandler.standardError(label: $0) }
    /// ```
    ///
    /// A process sets logging up once. Where that was done before, by this function or by the program itself, nothing
    /// changes, a line in the log says so, and the result is false; only a set-up of the program's own that writes to
    /// standard error just as `Logging` does by default can't be told from none, and ends the process as a second
    /// `LoggingSystem.bootstrap` does. Loggers made earlier keep the handler they have: see
    /// ``Logging/Logger/withDivakIDs(_:)``.
    ///
    /// - Parameters:
    ///   - keys: Under what keys the ids are, and which.
    ///   - factory: Makes the handler of a logger from its label.
    /// - Returns: Whether this call set logging up.
    @discardableResult
    public static func bootstrap(
        keys: DivakLogKeys = DivakLogKeys(),
        _ factory: @escaping @Sendable (_ label: String) -> any LogHandler
    ) -> Bool {
        let isFirst = isBootstrapped.withLock { isBootstrapped in
            guard !isBootstrapped, !isSetUpByProgram else { return false }
            isBootstrapped = true
            LoggingSystem.bootstrap { label in DivakLogHandler(factory(label), keys: keys) }
            return true
        }
        if !isFirst {
            Logger(label: "divak").notice("logging was set up before, and stays so: this set-up changed nothing")
        }
        return isFirst
    }

    /// Whether the handlers are others than those of a process that has not set logging up.
    private static var isSetUpByProgram: Bool {
        LoggingSystem.metadataProvider != nil || !(Logger(label: "divak").handler is StreamLogHandler)
    }
}

extension Logger {
    /// The same logger with the ids of the current span and request in each of its lines.
    ///
    /// ```swift
    /// let logger = Logger(label: "shop").withDivakIDs()
    /// ```
    ///
    /// For loggers that were made before logging was set up, or where it was set up without ``Divak/DivakLogHandler``.
    public func withDivakIDs(_ keys: DivakLogKeys? = nil) -> Logger {
        // A logger that carries them by the keys of the set-up stays as it is.
        if keys == nil, handler is DivakLogHandler { return self }
        var logger = self
        logger.handler = DivakLogHandler(handler, keys: keys ?? DivakLogKeys())
        return logger
    }
}

extension Logger.MetadataProvider {
    /// Gives the ids of the current span and request to log handlers that ask for metadata.
    ///
    /// ```swift
    /// LoggingSystem.bootstrap(StreamLogHandler.standardError, metadataProvider: .divak())
    /// ```
    public static func divak(_ keys: DivakLogKeys = DivakLogKeys()) -> Logger.MetadataProvider {
        Logger.MetadataProvider { keys.metadata() }
    }
}
