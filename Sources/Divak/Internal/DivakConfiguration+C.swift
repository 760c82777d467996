// DivakConfiguration+C.swift - handing the settings to C.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakConfiguration {
    /// What was set, each as name and text, in the order in which C gets it.
    var texts: [(name: String, value: String)] {
        var texts: [(name: String, value: String)] = []
        func add(_ name: String, _ value: String?) {
            if let value { texts.append((name, value)) }
        }
        add("enabled", isEnabled.map { "\($0)" })
        add("service_name", serviceName)
        add("service_ip", serviceAddress)
        add("service_port", servicePort.map { "\($0)" })
        add("endpoint", endpoint)
        add("sample_rate", sampleRate.map { "\($0)" })
        add("sample_per_second", samplesPerSecond.map { "\($0)" })
        add("propagation", propagation?.map(\.rawValue).joined(separator: ","))
        add("baggage_fields", baggageFieldsText)
        add("request_id_header", requestIDHeader)
        add("request_id", makesRequestIDs.map { $0 ? "generate" : "copy" })
        add("late_decision", allowsLateDecisions.map { "\($0)" })
        add("tags", tagsText)
        add("join", joinsClientSpans.map { "\($0)" })
        add("flush_interval", flushInterval?.setting)
        add("timeout", timeout?.setting)
        add("close_timeout", closeTimeout?.setting)
        add("endpoint_interval", endpointInterval?.setting)
        add("buffer_bytes", bufferBytes.map { "\($0)" })
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) { add(name, value) }
        return texts
    }

    /// Makes the engine.
    func makeTracer() throws(DivakError) -> OpaquePointer {
        try withConfiguration { configuration throws(DivakError) in
            for reporter in reporters {
                let status = reporter.add(to: configuration)
                if status < 0 { throw Self.error(status, "adding a reporter", configuration) }
            }
            let attached = try attach(to: configuration)
            var tracer: OpaquePointer?
            let status = divak_tracer_create(configuration, &tracer)
            guard status >= 0, let tracer else { throw Self.error(status, "making a tracer", configuration) }
            Attachments.keep(attached, for: tracer)
            return tracer
        }
    }

    /// Lends a configuration of C with all settings in it.
    func withConfiguration<Result>(
        _ body: (OpaquePointer) throws(DivakError) -> Result
    ) throws(DivakError) -> Result {
        if let refusal { throw refusal }
        let made = readsEnvironment ? divak_config_create() : divak_config_create_without_environment()
        guard let configuration = made else {
            throw DivakError(status: Int32(DIVAK_ERROR_MEMORY), while: "making a configuration")
        }
        defer { divak_config_destroy(configuration) }

        // Before the texts, which may name them.
        for propagator in propagators {
            let status = propagator.add(to: configuration)
            if status < 0 { throw Self.error(status, "adding a propagator", configuration) }
        }
        for (name, value) in texts {
            // C would read the text up to its first 0 only, and take what is left for the whole.
            guard !name.utf8.contains(0), !value.utf8.contains(0) else {
                throw DivakError(
                    status: Int32(DIVAK_ERROR_INVALID),
                    while: "setting \(name)",
                    detail: "the text holds a 0"
                )
            }
            let status = divak_config_set(configuration, name, value)
            if status < 0 { throw Self.error(status, "setting \(name)", configuration) }
        }
        return try body(configuration)
    }

    static func error(_ status: Int32, _ doing: String, _ configuration: OpaquePointer) -> DivakError {
        DivakError(status: status, while: doing, detail: String(cString: divak_config_error(configuration)))
    }
}
