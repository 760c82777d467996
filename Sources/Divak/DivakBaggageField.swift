// DivakBaggageField.swift - a value that travels with a trace, as it is declared.
// SPDX-License-Identifier: Apache-2.0

/// A field that is carried along with a trace: from header to span to header.
///
/// ```swift
/// configuration.baggageFields = [
///     "country-code",                                            // the header is called like the field
///     DivakBaggageField("user", headers: ["x-user-id", "x-uid"]),// read from either, written as the first
///     .local("tenant"),                                          // seen by this process's spans, never on the wire
///     "x-amzn-trace-id",                                         // a foreign header that passes through unchanged
/// ]
/// let country = DivakSpan.current?.baggage("country-code")
/// ```
///
/// At most 15, each with up to 4 headers; all names are tokens of up to 63 bytes, in any case. A header that is not
/// declared is not carried along.
public struct DivakBaggageField: Sendable, Hashable {
    /// The name that spans know the value by.
    public let name: String
    /// The headers that it is read from, the first of which is written; none for a local field.
    public let headers: [String]

    /// A field, with a header of its own name unless other headers are given.
    public init(_ name: String, headers: [String]? = nil) {
        self.name = name
        self.headers = headers ?? [name]
    }

    /// A field that stays in this process.
    public static func local(_ name: String) -> DivakBaggageField {
        DivakBaggageField(name, headers: [])
    }
}

extension DivakBaggageField: ExpressibleByStringLiteral {
    /// A field with a header of its own name.
    public init(stringLiteral name: String) {
        self.init(name)
    }
}

extension DivakBaggageField {
    /// The field as the setting `baggage_fields` says it; nil when a name is none and would be read as something else.
    var text: String? {
        // A token may hold | and begin with -, which mean something in the setting.
        let isPlain = ([name] + headers).allSatisfy { text in
            let isToken = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !",=|".utf8.contains($0) }
            return isToken && !text.isEmpty && !text.hasPrefix("-")
        }
        guard isPlain else { return nil }
        if headers.isEmpty { return "-\(name)" }
        return headers == [name] ? name : "\(name)=\(headers.joined(separator: "|"))"
    }
}
