// DivakApplication.swift - gathers an application's settings, and makes its tracer once.
// SPDX-License-Identifier: Apache-2.0

/// The one thing that an application with Divak's mix-ins stores.
///
/// ```swift
/// final class Shop: Recorder, ProbabilisticSampler {
///     let divak = DivakApplication()
///
///     init() throws {
///         try setDivakService("shop")
///         try setDivakSampleProbability(1.0 / 1000.0)
///         try addDivakReporter(ZipkinReporter("http://127.0.0.1:9411/api/v2"))
///         try addDivakPropagator(ZipkinPropagation())
///     }
///
///     func run() async throws {
///         let tracer = try divak.start()
///         ...
///         try await tracer.shutdown()
///     }
/// }
/// ```
///
/// Settings are checked when they are made, and accepted until ``start()``.
public final class DivakApplication: Sendable {
    private struct State {
        /// As given, without what follows.
        var configuration: DivakConfiguration
        var formats: [DivakConfiguration.Propagation] = []
        var requestIDs: RequestIdPropagation?
        var tracer: DivakTracer?

        /// With the propagators, in whatever order they were added.
        var complete: DivakConfiguration {
            var complete = configuration
            complete.addFormats(formats)
            guard let requestIDs else { return complete }
            // An id alone does not take the place of the formats that carry the trace.
            if complete.propagation == nil { complete.addFormats([.b3multi, .tracecontext, .b3]) }
            complete.addFormats([.requestID])
            complete.settings["request_id_header"] = requestIDs.header
            complete.settings["request_id"] = requestIDs.generate.isUUID ? "generate" : "copy"
            if requestIDs.generate.isCustom { complete.requestIDGenerator = requestIDs.generate.make }
            return complete
        }
    }

    private let state: Locked<State>

    /// An application without a tracer yet.
    ///
    /// - Parameter configuration: What to begin with; the mix-ins change it.
    public init(_ configuration: DivakConfiguration = DivakConfiguration()) {
        state = Locked(State(configuration: configuration))
    }

    /// Makes the tracer from what was set; later calls give the same one.
    ///
    /// - Throws: As ``DivakTracer/init(_:)``; it may be called again then, after the setting was put right.
    @discardableResult
    public func start() throws(DivakError) -> DivakTracer {
        try state.withLock { state throws(DivakError) in
            if let tracer = state.tracer { return tracer }
            let tracer = try DivakTracer(state.complete)
            state.tracer = tracer
            return tracer
        }
    }

    /// The tracer, or nil before ``start()``.
    public var tracer: DivakTracer? { state.withLock { $0.tracer } }

    /// What was set so far.
    public var configuration: DivakConfiguration { state.withLock { $0.complete } }

    /// How ids of requests are read, made and sent back; nil when nobody asked for them.
    ///
    /// A framework's middleware gives it to its ``DivakRequest``.
    public var requestIDs: RequestIdPropagation? { state.withLock { $0.requestIDs } }

    /// Changes any setting.
    ///
    /// ```swift
    /// try divak.configure { $0.flushInterval = .milliseconds(200) }
    /// ```
    ///
    /// - Parameter change: Gets the settings so far; it must not ask the application, which waits for it.
    /// - Throws: `.invalid` for a value that is not accepted, and for any change after the start; nothing is changed then.
    public func configure(_ change: (inout DivakConfiguration) -> Void) throws(DivakError) {
        try configure("changing a setting") { state throws(DivakError) in change(&state.configuration) }
    }

    private func configure(
        _ what: String,
        _ change: (inout State) throws(DivakError) -> Void
    ) throws(DivakError) {
        try state.withLock { state throws(DivakError) in
            guard state.tracer == nil else {
                throw DivakError(
                    code: .invalid,
                    message: "\(what): the application has started, and its tracer's settings do not change any more"
                )
            }
            var changed = state
            try change(&changed)
            try changed.complete.validate()
            state = changed
        }
    }
}

// MARK: - What the mix-ins set

extension DivakApplication {
    func setService(_ name: String) throws(DivakError) {
        try configure("setting the service \(LogText.quoted(name))") { state throws(DivakError) in
            state.configuration.serviceName = name
        }
    }

    func setSampleProbability(_ probability: Double) throws(DivakError) {
        try configure("setting the sample probability \(probability)") { state throws(DivakError) in
            guard (0...1).contains(probability) else {
                throw DivakError(
                    code: .invalid,
                    message: "sample probability \(probability): expected a number from 0 to 1"
                )
            }
            state.configuration.sampleRate = probability
        }
    }

    func addReporter(_ reporter: DivakReporter) throws(DivakError) {
        try configure("adding a reporter") { state throws(DivakError) in
            state.configuration.reporters.append(reporter)
        }
    }

    func addFormats(_ formats: [DivakConfiguration.Propagation]) throws(DivakError) {
        try configure("adding a propagator") { state throws(DivakError) in
            state.formats += formats
        }
    }

    func addPropagator(_ propagator: DivakPropagator) throws(DivakError) {
        try configure("adding a propagator") { state throws(DivakError) in
            state.configuration.propagators.append(propagator)
            state.formats.append(DivakConfiguration.Propagation(rawValue: propagator.name))
        }
    }

    func setRequestIDs(_ propagation: RequestIdPropagation) throws(DivakError) {
        try configure("adding a propagator") { state throws(DivakError) in
            if let other = state.requestIDs {
                throw DivakError(
                    code: .invalid,
                    message: "adding the request id of header \(LogText.quoted(propagation.header)): the id is that of "
                        + "\(LogText.quoted(other.header)) already, and a request has one id"
                )
            }
            state.requestIDs = propagation
        }
    }
}

extension DivakConfiguration {
    /// Adds formats of headers to those that are there.
    fileprivate mutating func addFormats(_ formats: [Propagation]) {
        guard !formats.isEmpty else { return }
        var all = propagation ?? []
        for format in formats where !all.contains(format) { all.append(format) }
        propagation = all
    }
}
