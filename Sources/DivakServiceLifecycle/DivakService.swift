// DivakService.swift - delivers the last spans when a group of services stops.
// SPDX-License-Identifier: Apache-2.0

#if ServiceLifecycle
public import Divak
public import Logging
public import ServiceLifecycle

/// A service that waits, and flushes its tracer when the group stops.
///
/// ```swift
/// let tracer = try DivakTracer()
/// let group = ServiceGroup(
///     services: [DivakService(tracer), server],
///     gracefulShutdownSignals: [.sigterm, .sigint],
///     logger: logger
/// )
/// try await group.run()
/// ```
///
/// Name it first: a group stops its services last to first, so this one flushes when all others have made their last
/// spans. It flushes on a graceful shutdown and when it is cancelled, which are two ways for a group to stop, and a second
/// flush costs nothing. It ends at that time only: a service that returns early takes its group down, so this one waits
/// just the same when tracing is disabled or the tracer was shut down before.
///
/// Whatever the collector does, it returns within ``timeout`` and never throws: the end of a trace must not be the reason
/// that a program fails. What was not delivered is logged as a warning, once, with numbers. The tracer stays usable, and
/// what is recorded after the group has ended is sent when the program exits.
public struct DivakService: Service {
    /// The tracer that is flushed.
    public let tracer: DivakTracer
    /// How long the flush may take.
    public let timeout: Duration
    /// Where an incomplete flush is reported.
    public let logger: Logger

    /// A service for a tracer.
    ///
    /// - Parameters:
    ///   - tracer: The tracer to flush; it stays yours.
    ///   - timeout: How long the flush may take. Keep it below the group's own limits
    ///     (`maximumGracefulShutdownDuration`, `maximumCancellationDuration`), which end the program.
    ///   - logger: Where a warning goes when spans could not be delivered.
    public init(
        _ tracer: DivakTracer,
        timeout: Duration = .seconds(5),
        logger: Logger = Logger(label: "divak")
    ) {
        self.tracer = tracer
        self.timeout = timeout
        self.logger = logger
    }

    /// Waits until the group stops or the task is cancelled, then flushes.
    public func run() async {
        let (stopped, stop) = AsyncStream<Never>.makeStream()
        await withTaskCancellationOrGracefulShutdownHandler {
            for await _ in stopped {}
        } onCancelOrGracefulShutdown: {
            stop.finish()
        }
        await flush()
    }

    private func flush() async {
        do {
            // Goes on in a task that is cancelled, and holds no thread of the pool meanwhile.
            try await tracer.flush(timeout: timeout)
        } catch  where error.code == .ended {
            logger.debug("The tracer was shut down before its service.")
        } catch {
            logger.warning(
                "Not all spans were delivered.",
                metadata: ["error": "\(error)", "spans": "\(tracer.statistics)"]
            )
        }
    }
}
#endif
