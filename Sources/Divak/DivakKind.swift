// DivakKind.swift - what role a span plays.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// The role of a span between processes.
///
/// ```swift
/// try await tracer.withSpan("get /users", kind: .client) { span in ... }
/// ```
public struct DivakKind: Sendable, Hashable {
    let rawValue: UInt32

    /// Work within this process.
    public static let local = DivakKind(rawValue: UInt32(DIVAK_KIND_LOCAL))
    /// A request made to another process.
    public static let client = DivakKind(rawValue: UInt32(DIVAK_KIND_CLIENT))
    /// A request answered for another process.
    public static let server = DivakKind(rawValue: UInt32(DIVAK_KIND_SERVER))
    /// A message sent.
    public static let producer = DivakKind(rawValue: UInt32(DIVAK_KIND_PRODUCER))
    /// A message received.
    public static let consumer = DivakKind(rawValue: UInt32(DIVAK_KIND_CONSUMER))
    /// A job started by the clock: always a trace of its own.
    public static let periodic = DivakKind(rawValue: UInt32(DIVAK_KIND_PERIODIC))
}
