// DivakConfiguration+Validate.swift - settings are checked before there is a tracer.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakConfiguration {
    /// Checks what can be checked without making an engine: each setting by itself, and the addresses of reporters.
    ///
    /// The environment, which may be bad by itself, is left to the start.
    func validate() throws(DivakError) {
        var settings = self
        settings.readsEnvironment = false
        try settings.withConfiguration { configuration throws(DivakError) in
            for case .zipkin(let endpoint) in reporters.map(\.storage) {
                let status = divak_config_add_zipkin_reporter(configuration, endpoint)
                if status < 0 { throw Self.error(status, "adding a reporter", configuration) }
            }
        }
    }
}
