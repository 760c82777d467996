// DivakRequest+Answering.swift - what a framework does with a request: run it, answer it, end it, log it.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakRequest {
    /// Runs the closure as the one that answers the request: its span is current, and so is the request.
    public func run<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The outcome is carried out as a value: the standard library's scope would widen the type of the error.
        var outcome: Swift.Result<Result, Failure>?
        Self.$bound.withValue(self) {
            span.bind {
                do throws(Failure) {
                    outcome = .success(try body())
                } catch {
                    outcome = .failure(error)
                }
            }
        }
        return try DivakSpan.unwrap(outcome).get()
    }

    /// Runs the asynchronous closure, where the caller runs, as the one that answers the request.
    public func run<Result, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        var outcome: Swift.Result<Result, Failure>?
        let span = span
        await Self.$bound.withValue(self) {
            await span.bind(isolation: isolation) {
                do throws(Failure) {
                    outcome = .success(try await body())
                } catch {
                    outcome = .failure(error)
                }
            }
        }
        return try DivakSpan.unwrap(outcome).get()
    }

    /// The header that every response is to have, be it an error's, unless the handler has set it itself: the id of the
    /// request under its name; nil when there is no id to send back.
    public var responseHeader: (name: String, value: String)? {
        guard let name = requestIDs?.header, let id = requestID else { return nil }
        return (name, id)
    }

    /// Puts the ``responseHeader`` on a response, unless the handler has set it itself.
    public func addHeaders(to headers: inout [(String, String)]) {
        guard let (name, id) = responseHeader, headers.values(of: name).isEmpty else { return }
        headers.append((name, id))
    }

    /// Ends the span with what came of the request; later calls change nothing.
    ///
    /// - Parameters:
    ///   - response: The response, which is known to be written.
    ///   - error: What the handler threw, if it did: the tag `error` unless the status is below 500.
    public func finish(_ response: DivakHTTPResponse, error: (any Error)? = nil) {
        let nanoseconds = max(0, Monotonic.nanoseconds() - startTicks)
        let failure = error.map { String(describing: $0) }
        let ended: State? = state.withLock { state in
            guard state.outcome == nil else { return nil }
            state.outcome = Outcome(response: response, nanoseconds: nanoseconds, error: failure)
            return state
        }
        guard let ended else { return }
        if ended.span.isRecording {
            if !ended.isNamed, let name = name(ended.route, response.status) { ended.span.rename(name) }
            if tags.contains(.route), let route = ended.route { ended.span.tag("http.route", route) }
            // The first error stays: the handler's own words before the bare status.
            if let failure, response.status == 0 || response.status >= 500 {
                ended.span.recordError(message: failure)
            }
            ended.span.tag(response, tags)
        }
        ended.span.finish()
    }

    /// The name of the span by Zipkin's rules, so that there are few: paths are not among them.
    private func name(_ route: String?, _ status: Int) -> String? {
        if let route, !route.isEmpty { return "\(head.method) \(route)" }
        if (300..<400).contains(status) { return "\(head.method) redirected" }
        if status == 404 { return "\(head.method) not_found" }
        return nil
    }
}

// MARK: - For the access log

extension DivakRequest {
    /// What an access log says about the request; before ``finish(_:error:)`` with status 0.
    public var accessLogRecord: AccessLogRecord {
        let state = state.withLock { $0 }
        var record = AccessLogRecord(method: head.method, target: head.url, status: state.outcome?.response.status ?? 0)
        record.version = head.version
        record.reason = state.outcome?.response.reason
        record.remoteAddress = remoteAddress
        record.referer = head.values(of: "referer").first
        record.userAgent = head.values(of: "user-agent").first
        record.responseBytes = state.outcome?.response.bodyBytes
        record.start = startTime
        record.duration = .nanoseconds(state.outcome?.nanoseconds ?? max(0, Monotonic.nanoseconds() - startTicks))
        record.requestID = state.requestID
        if state.span.handle.span_id != 0 {
            record.traceID = state.span.traceID
            record.spanID = state.span.spanID
        }
        record.route = state.route
        record.error = state.outcome?.error
        return record
    }
}
