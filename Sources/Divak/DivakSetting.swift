// DivakSetting.swift - what a tracer would be made of, and where each part came from.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// A setting with its value and where that came from.
///
/// ```swift
/// for setting in try DivakConfiguration().effectiveSettings {
///     print(setting.name, setting.value, setting.source)
/// }
/// ```
public struct DivakSetting: Sendable, Hashable {
    /// Where a value came from.
    ///
    /// New sources may appear in later versions.
    public struct Source: Sendable, Hashable, CustomStringConvertible {
        /// Its name: `default`, `environment` or `code`.
        public let description: String

        /// Nobody set it.
        public static let `default` = Source(description: "default")
        /// A variable of the environment.
        public static let environment = Source(description: "environment")
        /// The program.
        public static let code = Source(description: "code")
    }

    /// The name, as in ``DivakConfiguration/settings``.
    public let name: String
    /// The value as text; what is secret in it reads `REDACTED`.
    public let value: String
    /// Where the value came from.
    public let source: Source
    /// The variable that it came from or could come from; nil for what only a program can set.
    public let variable: String?
}

extension DivakConfiguration {
    /// Every setting with the value that a tracer made now would have.
    ///
    /// - Throws: ``DivakError/Code/invalid`` naming the setting or variable, its value and what is accepted.
    public var effectiveSettings: [DivakSetting] {
        get throws(DivakError) {
            try withConfiguration { configuration throws(DivakError) in
                if let words = divak_config_error(configuration), words.pointee != 0 {
                    throw Self.error(Int32(DIVAK_ERROR_INVALID), "reading the settings", configuration)
                }
                var settings: [DivakSetting] = []
                var setting = divak_setting()
                while divak_config_setting(configuration, settings.count, &setting) == DIVAK_OK {
                    settings.append(DivakSetting(setting))
                }
                return settings
            }
        }
    }
}

extension DivakSetting {
    fileprivate init(_ setting: divak_setting) {
        name = String(cString: setting.name)
        value = String(cString: setting.value)
        variable = setting.variable.map { String(cString: $0) }
        source =
            switch setting.source {
            case UInt32(DIVAK_SOURCE_ENVIRONMENT): .environment
            case UInt32(DIVAK_SOURCE_CODE): .code
            default: .default
            }
    }
}
