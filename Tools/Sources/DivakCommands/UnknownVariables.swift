// SPDX-License-Identifier: Apache-2.0
// UnknownVariables.swift - variables of the environment that were meant for Divak, and that no program heeds.

import Divak

/// A line for each variable that begins with `DIVAK_` and is no setting's: it has done nothing, in silence.
func unknownVariables(_ environment: [String: String], _ settings: [DivakSetting]) -> [String] {
    let variables = settings.filter { $0.variable != nil }.map { variable(of: $0.name) }
    let onlyInCode = Set(settings.filter { $0.variable == nil }.map { variable(of: $0.name) })
    return environment.keys.filter { $0.hasPrefix(prefix) && !variables.contains($0) }.sorted().map { name in
        if onlyInCode.contains(name) {
            return "\(name) is not heeded: \(name.dropFirst(prefix.count).lowercased()) is set in code alone"
        }
        // Names of few letters resemble one another: a third of them must be right.
        let nearest = variables.map { ($0, distance(name, $0)) }.min { $0.1 < $1.1 }
        let isNear = nearest.map { $0.1 * 3 <= name.count - prefix.count } ?? false
        return "\(name) is not heeded: no setting has that name"
            + (isNear ? nearest.map { "; \($0.0) is one" } ?? "" : "")
    }
}

private let prefix = "DIVAK_"

private func variable(of setting: String) -> String { prefix + setting.uppercased() }

/// How many letters must be put in, taken out or changed to make one word of another.
private func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (i, letter) in left.utf8.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in right.indices {
            let changed = diagonal + (letter == right[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(changed, row[j] + 1, diagonal + 1)
        }
    }
    return row[right.count]
}
