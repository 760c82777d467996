// LogText.swift - text from outside, made safe for one line of a log.
// SPDX-License-Identifier: Apache-2.0
//
// Whoever sends a request chooses its path and its headers. None of that may end the line, end its field, or reorder
// what a terminal shows: what could is written as its number, \x0a or \u2028.

enum LogText {
    /// What a field allows to stand for itself.
    enum Field {
        /// Between quotes: blanks do, quotes and backslashes do not.
        case quoted
        /// Between blanks: none of them does, and an empty one would vanish.
        case bare
        /// At the end of the line: everything does that does not end or reorder it.
        case free
    }

    /// The text for a field.
    static func escape(_ text: String, for field: Field) -> String {
        if field == .bare, text.isEmpty { return "-" }
        guard !text.utf8.allSatisfy({ isPlain($0, in: field) }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars { append(scalar, to: &escaped, for: field) }
        return escaped
    }

    /// The text between quotes, for messages.
    static func quoted(_ text: String) -> String { "\"\(escape(text, for: .quoted))\"" }

    /// The text as a value of RFC 5424's structured data, without its quotes.
    ///
    /// `"`, `\` and `]` have a backslash before them; what else would need escaping is written as its number behind an
    /// escaped backslash, since RFC 5424 knows no other escapes.
    static func structuredValue(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" || scalar == "]" {
                escaped += "\\\(scalar)"
            } else if isUnsafe(scalar) {
                escaped += "\\" + number(of: scalar)
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// The text as a string of JSON, quotes included.
    static func json(_ text: String) -> String {
        var escaped = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            default:
                if isUnsafe(scalar) {
                    escaped += "\\u" + digits(scalar.value, 4)
                } else {
                    escaped.unicodeScalars.append(scalar)
                }
            }
        }
        return escaped + "\""
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String, for field: Field) {
        switch scalar {
        case "\"" where field != .free, "\\" where field != .free:
            text += "\\\(scalar)"
        case " " where field == .bare:
            text += number(of: scalar)
        default:
            if isUnsafe(scalar) {
                text += number(of: scalar)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }

    /// Bytes that stand for themselves, for which there is no need to look at characters.
    private static func isPlain(_ byte: UInt8, in field: Field) -> Bool {
        guard byte >= 0x20, byte < 0x7f else { return false }
        switch field {
        case .free: return true
        case .quoted: return byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        case .bare: return byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: " ")
        }
    }

    /// Control characters, separators of lines, and marks that reorder text.
    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
        default: false
        }
    }

    private static func number(of scalar: Unicode.Scalar) -> String {
        scalar.value < 0x100 ? "\\x" + digits(scalar.value, 2) : "\\u" + digits(scalar.value, 4)
    }

    private static func digits(_ number: UInt32, _ count: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}
