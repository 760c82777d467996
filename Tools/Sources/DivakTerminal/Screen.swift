// Screen.swift - what a terminal shows and how wide it shows it.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is written to: its width, and whether colours and drawn lines come out right.
public struct Screen: Sendable {
    /// Columns.
    public var width: Int
    /// Whether escape sequences for colours are understood.
    public var hasColour: Bool
    /// Whether characters beyond ASCII are.
    public var hasUnicode: Bool

    /// A screen as described.
    public init(width: Int, hasColour: Bool, hasUnicode: Bool) {
        self.width = max(width, 40)
        self.hasColour = hasColour
        self.hasUnicode = hasUnicode
    }

    /// Whether to use colour.
    public enum ColourWish: String, Sendable, CaseIterable {
        /// As the output and the environment suggest.
        case auto
        /// Whatever the output is.
        case always
        /// Not at all.
        case never
    }

    /// Standard output: plain and 100 columns wide when it is no terminal.
    ///
    /// `NO_COLOR`, `COLUMNS`, `TERM=dumb` and the locale's encoding are heeded.
    public static func standardOutput(
        colour: ColourWish = .auto,
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) -> Screen {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var size = winsize()
        var width = 100
        if isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            width = Int(size.ws_col)
        } else if let columns = environment("COLUMNS").flatMap({ Int($0) }), columns > 0 {
            width = columns
        }
        let hasColour =
            switch colour {
            case .always: true
            case .never: false
            case .auto: isTerminal && environment("NO_COLOR") ?? "" == "" && environment("TERM") != "dumb"
            }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
        let encoding = locale.lowercased()
        let hasUnicode = encoding.contains("utf-8") || encoding.contains("utf8")
        return Screen(width: width, hasColour: hasColour, hasUnicode: hasUnicode)
    }
}

// MARK: - Styles

/// How a piece of text stands out.
public enum Style: Sendable, Hashable {
    /// Not at all.
    case plain
    /// Bold.
    case strong
    /// Dim.
    case faint
    /// Red.
    case failure
    /// One of the colours that tell services apart, by number.
    case service(Int)

    var code: String {
        switch self {
        case .plain: ""
        case .strong: "1"
        case .faint: "2"
        case .failure: "1;31"
        case .service(let number): ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"][number % 10]
        }
    }
}

extension Screen {
    /// The text in a style, where there is colour.
    public func styled(_ text: String, _ style: Style) -> String {
        guard hasColour, style != .plain, !text.isEmpty else { return text }
        return "\u{1B}[\(style.code)m\(text)\u{1B}[0m"
    }
}

// MARK: - Text

extension Screen {
    /// Text from outside, with nothing in it that a terminal would obey and no line breaks.
    public func shown(_ text: String) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                shown += scalar == "\n" ? "\\n" : scalar == "\t" ? "\\t" : "\\u{\(String(scalar.value, radix: 16))}"
            default:
                if hasUnicode || scalar.isASCII {
                    shown.unicodeScalars.append(scalar)
                } else {
                    shown += "?"
                }
            }
        }
        return shown
    }

    /// Columns that a shown text takes.
    public static func columns(_ text: String) -> Int {
        text.reduce(0) { $0 + columns($1) }
    }

    /// Columns of one character: that of its first scalar, unless a selector asks for a picture.
    private static func columns(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.isASCII { return 1 }
        if first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        return isWide(first.value) ? 2 : first.properties.generalCategory == .nonspacingMark ? 0 : 1
    }

    /// The blocks of East Asian scripts whose characters are two columns wide.
    private static func isWide(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            true
        default: false
        }
    }

    /// The text in exactly so many columns: cut with an ellipsis, or filled with blanks.
    public func fitted(_ text: String, _ width: Int) -> String {
        let columns = Self.columns(text)
        if columns <= width { return text + String(repeating: " ", count: width - columns) }
        guard width > 0 else { return "" }
        var kept = ""
        var used = 0
        for character in text {
            let next = Self.columns(character)
            if used + next > width - 1 { break }
            kept.append(character)
            used += next
        }
        return kept + (hasUnicode ? "…" : "~") + String(repeating: " ", count: width - 1 - used)
    }
}
