// SettingTests.swift - what a tracer would be made of.
// SPDX-License-Identifier: Apache-2.0

import Divak
import Testing

@Suite("Settings")
struct SettingTests {
    @Test func everySettingIsShownWithItsValueAndSource() throws {
        var configuration = DivakConfiguration(serviceName: "shop")
        configuration.readsEnvironment = false
        configuration.settings["headers"] = "authorization=secret"
        let settings = try configuration.effectiveSettings
        let byName = Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0) })
        #expect(settings.count > 30)
        #expect(byName["service_name"]?.value == "shop" && byName["service_name"]?.source == .code)
        #expect(byName["sample_rate"]?.source == .default && byName["sample_rate"]?.variable == "DIVAK_SAMPLE_RATE")
        #expect(byName["join"]?.variable == nil)
        #expect(byName["headers"]?.value.contains("secret") == false)
    }

    @Test func aBadValueIsNamed() {
        var configuration = DivakConfiguration()
        configuration.readsEnvironment = false
        configuration.sampleRate = 2
        #expect {
            try configuration.effectiveSettings
        } throws: { error in
            "\(error)".contains("sample_rate") && "\(error)".contains("2") && "\(error)".contains("0 to 1")
        }
    }
}
