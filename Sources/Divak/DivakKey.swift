// DivakKey.swift - names and tag keys that are registered once.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// A span name or tag key registered once, so that using it costs less.
///
/// ```swift
/// extension DivakKey {
///     static let rowCount = DivakKey("rowcount")
/// }
///
/// span.tag(.rowCount, 42)
/// ```
///
/// Keys are the same for all tracers and live as long as the process, which has room for 2,048 of at most 255 bytes.
public struct DivakKey: Sendable, Hashable {
    let rawValue: divak_key

    /// Registers a text, or finds it again.
    ///
    /// When the text is empty or too long or no room is left, the key is not ``isRegistered`` and what is recorded by it
    /// is left out.
    public init(_ text: String) {
        rawValue = text.withBytes { divak_key_register($0, $1) }
    }

    /// Whether the text found room.
    public var isRegistered: Bool { rawValue != divak_key(DIVAK_NO_KEY) }
}
