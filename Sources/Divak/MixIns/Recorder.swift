// Recorder.swift - mix-in for applications: who they are, where spans go, what carries a trace.
// SPDX-License-Identifier: Apache-2.0

/// Gives an application its name, its reporters and its propagators.
///
/// ```swift
/// final class Shop: Recorder, ProbabilisticSampler {
///     let divak = DivakApplication()
///
///     init() throws {
///         try setDivakService("shop")
///         try addDivakReporter(ZipkinReporter("http://127.0.0.1:9411/api/v2"))
///         try addDivakPropagator(ZipkinPropagation())
///     }
/// }
/// ```
///
/// A file that imports swift-metrics too, which has a `Recorder` of its own, says `Divak.Recorder`.
///
/// Each setting is checked at once: an error names the value and what is accepted. After ``DivakApplication/start()``
/// each is an error.
public protocol Recorder {
    /// What holds the settings, and later the tracer.
    var divak: DivakApplication { get }
}

extension Recorder {
    /// Names the service: 1 to 255 bytes without control characters.
    public func setDivakService(_ name: String) throws(DivakError) {
        try divak.setService(name)
    }

    /// Adds a place that spans are reported to; with none, they go to Zipkin at the configured endpoint.
    ///
    /// ```swift
    /// try addDivakReporter(ZipkinReporter("http://127.0.0.1:9411/api/v2"))
    /// try addDivakReporter(DivakReporter.console())
    /// ```
    public func addDivakReporter(_ reporter: some DivakReporterConvertible) throws(DivakError) {
        try divak.addReporter(reporter.asReporter)
    }

    /// Lets traces be carried on in Zipkin's headers.
    ///
    /// Only the formats that were added are read and written. With none, all are read, and `b3multi` and `tracecontext`
    /// written.
    public func addDivakPropagator(_ propagator: ZipkinPropagation) throws(DivakError) {
        try divak.addFormats(propagator.formats)
    }

    /// Lets each request have an id, which is read, made, passed on and sent back.
    ///
    /// - Throws: `.invalid` when there is one already: a request has one id.
    public func addDivakPropagator(_ propagator: RequestIdPropagation) throws(DivakError) {
        try divak.setRequestIDs(propagator)
    }

    /// Lets traces be carried on in a format of your own, beside the others that were added.
    public func addDivakPropagator(_ propagator: DivakPropagator) throws(DivakError) {
        try divak.addPropagator(propagator)
    }

    /// Lets traces be carried on in a format.
    ///
    /// ```swift
    /// try addDivakPropagator(.tracecontext)
    /// ```
    public func addDivakPropagator(_ format: DivakConfiguration.Propagation) throws(DivakError) {
        try divak.addFormats([format])
    }
}
