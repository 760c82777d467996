// DivakTracer+Delivery.swift - flush, shutdown and statistics.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakTracer {
    /// Sends everything that ended before the call, and tells the truth about it.
    ///
    /// ```swift
    /// try await tracer.flush(timeout: .seconds(2))
    /// ```
    ///
    /// Returns when every reporter has all of it acknowledged and nothing was dropped since the last flush. Holds no
    /// thread of Swift's pool while waiting, and goes on when its task is cancelled: the spans still matter then.
    ///
    /// - Throws: `.lost` with the number ``DivakError/lost``, `.timeout`, or `.ended` after a shutdown.
    public func flush(timeout: Duration = .seconds(10)) async throws(DivakError) {
        try await wait("flush", timeout) { divak_tracer_flush($0, $1, $2) }
    }

    /// Refuses new spans, sends what it can until the time is up, and stops.
    ///
    /// ```swift
    /// try await tracer.shutdown()
    /// ```
    ///
    /// - Throws: As ``flush(timeout:)``; what could not be sent is counted as `retry_expired`.
    public func shutdown(timeout: Duration = .seconds(1)) async throws(DivakError) {
        try await wait("shutdown", timeout) { divak_tracer_shutdown($0, $1, $2) }
    }

    /// Asks the collector whether it would take spans, by sending it an empty list.
    ///
    /// - Throws: `.system` when it would not, with the reason in its words; `.timeout` when it did not answer in time.
    public func check(timeout: Duration = .seconds(5)) async throws(DivakError) {
        let what = "check of the endpoint"
        do {
            try await wait(what, timeout) { tracer, milliseconds, _ in divak_tracer_check(tracer, milliseconds) }
        } catch {
            guard error.code == .system, let failure = failure() else { throw error }
            throw DivakError(status: error.code.rawValue, while: what, detail: failure)
        }
    }

    /// Why the last message to a reporter, or the last check of it, failed; nil when it did not.
    ///
    /// ```swift
    /// print(tracer.failure() ?? "all is well")    // http://127.0.0.1:9411: Couldn't connect to server
    /// ```
    ///
    /// - Parameter index: The reporter's place in the order of adding.
    public func failure(ofReporter index: Int = 0) -> String? {
        guard index >= 0 else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            guard divak_tracer_failure(pointer, index, text.baseAddress, text.count) == DIVAK_OK else { return nil }
            return text.baseAddress.map { String(cString: $0) }
        }
    }

    /// What became of every span, as the first reporter sees it.
    ///
    /// Never blocks.
    public var statistics: DivakStatistics { statistics(ofReporter: 0) ?? DivakStatistics(counts: divak_stats()) }

    /// What became of every span as one reporter sees it, in order of adding; nil when there is no such reporter.
    public func statistics(ofReporter index: Int) -> DivakStatistics? {
        var counts = divak_stats()
        guard index >= 0, divak_tracer_stats(pointer, index, &counts) == DIVAK_OK else { return nil }
        return DivakStatistics(counts: counts)
    }

    /// Runs a call that blocks on a thread that is not Swift's, and returns when it does.
    private func wait(
        _ what: String,
        _ timeout: Duration,
        _ call: @escaping @Sendable (OpaquePointer?, UInt32, UnsafeMutablePointer<UInt64>?) -> Int32
    ) async throws(DivakError) {
        let deadline = ContinuousClock.now + timeout
        let answer = await runOnOwnThread {
            // The time until the thread ran is part of what the caller gave.
            let left = deadline - ContinuousClock.now
            var lost: UInt64 = 0
            let status = call(pointer, left.milliseconds, &lost)
            return (status, lost)
        }
        guard let (status, lost) = answer else {
            throw DivakError(status: Int32(DIVAK_ERROR_SYSTEM), while: what, detail: "no thread to wait in")
        }
        guard status < 0 else { return }
        throw DivakError(status: status, while: what, detail: lost == 0 ? "" : "\(lost) spans", lost: lost)
    }
}
