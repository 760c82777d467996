// SPDX-License-Identifier: Apache-2.0
// CheckReport.swift - what `divak check` found: a line a step as it is taken, or a list in JSON at the end.

import Divak
import DivakTerminal
import Foundation

/// Steps with a mark each.
struct CheckReport {
    private struct Step: Encodable {
        var step: String
        var ok: Bool
        var words: String
        var hint: String?
    }

    private let screen: Screen
    private let isJSON: Bool
    private var steps: [Step] = []

    init(screen: Screen, isJSON: Bool) {
        self.screen = screen
        self.isJSON = isJSON
    }

    var hasFailed: Bool { steps.contains { !$0.ok } }

    /// A step that went well.
    mutating func step(_ name: String, _ words: String, _ note: String? = nil) throws {
        try add(Step(step: name, ok: true, words: words, hint: note))
    }

    /// A step that did not, and what may help.
    mutating func fail(_ name: String, _ words: String, _ hint: String?) throws {
        try add(Step(step: name, ok: false, words: words, hint: hint))
    }

    /// Whether tracer and settings let spans come about at all; says nothing when they do.
    mutating func recording(_ tracer: DivakTracer, _ settings: [String: DivakSetting]) throws {
        func origin(_ setting: DivakSetting) -> String { setting.variable ?? setting.name }
        if let enabled = settings["enabled"], !tracer.isEnabled {
            try fail("tracing", "is turned off by \(origin(enabled))", "programs record nothing, and send nothing")
        } else if let rate = settings["sample_rate"], Double(rate.value) == 0 {
            let only = "only what a caller sampled is recorded, and begins no trace here"
            try step("tracing", "the sample rate is 0, by \(origin(rate))", only)
        }
    }

    /// Prints what was kept for the end.
    func end() throws {
        guard isJSON else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try Output.bytes(encoder.encode(steps) + Data("\n".utf8))
    }

    private mutating func add(_ step: Step) throws {
        steps.append(step)
        if isJSON { return }
        let marks = screen.hasUnicode ? (well: "✓", ill: "✗") : (well: "ok", ill: "no")
        let mark = step.ok ? screen.styled(marks.well, .service(2)) : screen.styled(marks.ill, .failure)
        var lines = ["\(mark) \(screen.fitted(step.step, 8))  \(screen.shown(step.words))"]
        if let hint = step.hint {
            let indent = String(repeating: " ", count: Screen.columns(marks.well) + 11)
            lines.append(indent + screen.styled(hint, .faint))
        }
        try Output.lines(lines)
    }
}
