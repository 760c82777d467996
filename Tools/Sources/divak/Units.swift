// SPDX-License-Identifier: Apache-2.0
// Units.swift - sizes and ages as people write them.

import ArgumentParser

/// A number of bytes: `500000`, `64KiB`, `320MiB`, `2GiB`.
struct Size: ExpressibleByArgument {
    var bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units: [(String, Int)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)]
        guard let value = scaled(argument, units) else { return nil }
        bytes = value
    }

    var defaultValueDescription: String {
        for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes.isMultiple(of: size) {
            return "\(bytes / size)\(unit)"
        }
        return "\(bytes)"
    }
}

/// A time span: `90s`, `30m`, `12h`, `7d`, `500ms`.
struct Age: ExpressibleByArgument {
    var milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    init?(argument: String) {
        let units: [(String, Int)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        guard let value = scaled(argument, units), value > 0 else { return nil }
        milliseconds = Int64(value)
    }

    var defaultValueDescription: String {
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where milliseconds.isMultiple(of: size) {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}

/// A whole number followed by one of the units; nil when it is anything else or too large.
private func scaled(_ text: String, _ units: [(String, Int)]) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), let unit = units.first(where: { $0.0 == text.dropFirst(digits.count) }) else {
        return nil
    }
    let (value, overflow) = number.multipliedReportingOverflow(by: unit.1)
    return overflow ? nil : value
}
