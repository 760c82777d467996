// DivakTracer.swift - one engine: records spans, and sends them from a thread of its own.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// Records spans and reports them to Zipkin.
///
/// ```swift
/// let tracer = try DivakTracer()                           // settings from the environment, and defaults
///
/// let users = try await tracer.withSpan("load users", kind: .client) { span in
///     let users = try await database.users()
///     span.tag("count", users.count)
///     return users
/// }
///
/// try await tracer.shutdown()
/// ```
///
/// A tracer is a value that names an engine. The engine is never freed: every call stays safe for ever, on any thread and
/// after ``shutdown(timeout:)``. That is why this is no class: there is nothing to free when the last copy goes, and a
/// copy costs nothing. At most 15 engines exist at a time. The program's exit sends what is left.
public struct DivakTracer: Sendable {
    /// The engine.
    ///
    /// It may be used by all threads at once and is valid until the process ends (divak/tracer.h).
    nonisolated(unsafe) let pointer: OpaquePointer?

    /// Makes an engine and starts its flusher.
    ///
    /// - Throws: ``DivakError/Code/invalid`` naming the setting, its value and what is accepted; `.memory`, `.system`;
    ///   `.full` when 15 tracers exist.
    public init(_ configuration: DivakConfiguration = DivakConfiguration()) throws(DivakError) {
        _ = CurrentSpan.isShared
        pointer = try configuration.makeTracer()
    }

    init(pointer: OpaquePointer?) {
        _ = CurrentSpan.isShared
        self.pointer = pointer
    }

    /// A tracer that does nothing.
    ///
    /// ```swift
    /// let tracer = (try? DivakTracer()) ?? .disabled
    /// ```
    public static let disabled = DivakTracer(pointer: nil)

    /// The first tracer of the process, made by Swift or C, that is not shut down.
    public static var current: DivakTracer? { divak_tracer_current().map { DivakTracer(pointer: $0) } }

    /// Whether new spans are recorded.
    ///
    /// False is the kill switch: spans keep passing on the ids they got.
    public var isEnabled: Bool {
        get { divak_tracer_is_enabled(pointer) }
        nonmutating set { divak_tracer_set_enabled(pointer, newValue) }
    }
}
