// ZipkinPropagation.swift - Zipkin's headers, as applications add them to their propagators.
// SPDX-License-Identifier: Apache-2.0

/// Zipkin's headers: `b3` and `X-B3-...`.
public struct ZipkinPropagation: Sendable, Hashable {
    let formats: [DivakConfiguration.Propagation]

    /// Both forms, the single header and the several ones: all that B3 knows is read, and any callee understands.
    public init() {
        formats = [.b3, .b3multi]
    }
}
