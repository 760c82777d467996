// DivakPropagator.swift - a format of headers that a program writes itself.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// A format of headers of your own, which ``DivakConfiguration/propagation`` knows by its name.
///
/// ```swift
/// configuration.propagators = [
///     DivakPropagator(
///         name: "x-trace",
///         headers: ["x-trace"],
///         inject: { span, _, set in set("x-trace", "\(span.traceID):\(span.spanID):\(span.isSampled ? 1 : 0)") },
///         extract: { values in
///             guard let text = values("x-trace").first else { return nil }           // nothing there
///             let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
///             guard parts.count == 3,
///                 let parent = DivakParent.remote(traceID: parts[0], spanID: parts[1], isSampled: parts[2] == "1")
///             else { throw Malformed() }                                             // counted as a bad header
///             return parent
///         }
///     )
/// ]
/// configuration.propagation = [.b3, "x-trace"]        // or DIVAK_PROPAGATION=b3,x-trace
/// ```
///
/// Where `propagation` is set, by code or by the environment, the formats that it lists are read and written, and no
/// others. Where it is not, all are read, and those of the configuration are written beside `b3multi` and `tracecontext`.
/// A format of your own is written behind the others, and read where none of them was there and well formed.
///
/// C programs and everything else that uses the tracer's headers use it too; ``register()`` makes it known to all tracers
/// of the process. A header that should only pass through needs no format: declare it as a ``DivakBaggageField``.
public struct DivakPropagator: Sendable {
    /// Writes the headers for a span, each by a call of `set`.
    ///
    /// `isMessage` tells that the carrier is a message in a queue rather than a request. What is no header (a name that
    /// is no token of at most 63 bytes, a value with control characters) is left out and counted as truncated.
    public typealias Inject =
        @Sendable (_ span: DivakSpan, _ isMessage: Bool, _ set: (_ name: String, _ value: String) -> Void) -> Void

    /// Reads the headers through `values`, which finds those of a lower-case name.
    ///
    /// Returns what they say (see ``DivakParent/remote(traceID:spanID:parentID:isSampled:isDebug:)``), or nil when there
    /// is nothing; throws, whatever, when they are malformed.
    public typealias Extract = @Sendable (_ values: (_ name: String) -> [String]) throws -> DivakParent?

    /// What `propagation` calls it: 1 to 31 lower-case letters, digits, `-` and `_`.
    public let name: String
    /// The headers that are read or written, at most 8: among those of ``DivakTracer/propagationHeaders``.
    public let headers: [String]
    let functions: Functions

    /// A format; one without a closure, or with a name that is none or taken, is refused when the tracer is made, as is a
    /// fifth one.
    ///
    /// The closures are called on any thread, by several at once, and must not block.
    public init(name: String, headers: [String] = [], inject: Inject? = nil, extract: Extract? = nil) {
        self.name = name
        self.headers = headers
        functions = Functions(inject: inject, extract: extract)
    }
}

extension DivakPropagator {
    /// Makes the format known by its name to all tracers that are made from now on, for ever: libraries can offer one, and
    /// the environment choose it.
    ///
    /// ```swift
    /// try amazon.register()                               // DIVAK_PROPAGATION=amazon,b3
    /// ```
    ///
    /// It is read where `propagation` is not set, and written only where it is named.
    ///
    /// - Throws: `.invalid` when it is no format or the name is taken; `.full` after 4.
    public func register() throws(DivakError) {
        let status = withPropagator { divak_propagator_register($0) }
        guard status >= 0 else {
            throw DivakError(status: status, while: "registering the propagator \(LogText.quoted(name))")
        }
        // C calls it from now on, whoever else lets go of it.
        _ = Unmanaged.passRetained(functions)
    }

    /// The closures, in a form that a pointer can carry.
    final class Functions: Sendable {
        let inject: Inject?
        let extract: Extract?

        init(inject: Inject?, extract: Extract?) {
            self.inject = inject
            self.extract = extract
        }
    }

    /// Attaches the format to a configuration of C; the caller keeps `functions` for as long as the tracer may call.
    func add(to configuration: OpaquePointer) -> Int32 {
        withPropagator { divak_config_add_propagator(configuration, $0) }
    }

    private func withPropagator(_ body: (UnsafePointer<divak_propagator>) -> Int32) -> Int32 {
        // C reads texts up to a 0; a name with one in it is none anyway.
        guard (headers + [name]).allSatisfy({ !$0.utf8.contains(0) }) else { return Int32(DIVAK_ERROR_INVALID) }
        var propagator = divak_propagator()
        propagator.context = Unmanaged.passUnretained(functions).toOpaque()
        if functions.inject != nil { propagator.inject = Self.inject }
        if functions.extract != nil { propagator.extract = Self.extract }
        return name.withCString { name in
            propagator.name = name
            return Self.withCStrings(headers[...], []) { names in
                names.withUnsafeBufferPointer { names in
                    propagator.headers = names.baseAddress
                    propagator.header_count = names.count
                    return body(&propagator)
                }
            }
        }
    }

    private static func withCStrings(
        _ texts: ArraySlice<String>,
        _ lent: [UnsafePointer<CChar>?],
        _ body: ([UnsafePointer<CChar>?]) -> Int32
    ) -> Int32 {
        guard let text = texts.first else { return body(lent) }
        return text.withCString { withCStrings(texts.dropFirst(), lent + [$0], body) }
    }

    private static let inject:
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<divak_span>?, Bool, divak_put_header?, UnsafeMutableRawPointer?
        ) -> Void = { context, span, isMessage, put, putContext in
            guard let context, let span, let put, span.pointee.span_id != 0 else { return }
            let functions = Unmanaged<Functions>.fromOpaque(context).takeUnretainedValue()
            functions.inject?(DivakSpan(handle: span.pointee), isMessage) { name, value in
                name.withBytes { name, nameCount in
                    value.withBytes { value, valueCount in put(putContext, name, nameCount, value, valueCount) }
                }
            }
        }

    private static let extract:
        @convention(c) (
            UnsafeMutableRawPointer?, divak_get_header?, UnsafeMutableRawPointer?, UnsafeMutablePointer<divak_span>?
        ) -> Int32 = { context, get, getContext, parent in
            guard let context, let get, let parent else { return Int32(DIVAK_ABSENT) }
            let functions = Unmanaged<Functions>.fromOpaque(context).takeUnretainedValue()
            do {
                let found = try functions.extract? { name in
                    var values: [String] = []
                    var value: UnsafePointer<CChar>?
                    var count = 0
                    name.withBytes { name, nameCount in
                        while get(getContext, name, nameCount, values.count, &value, &count) {
                            values.append(String(bytes: value, count: count))
                        }
                    }
                    return values
                }
                guard let found, found.origin == .headers else { return Int32(DIVAK_ABSENT) }
                parent.pointee = found.handle
                return Int32(DIVAK_OK)
            } catch {
                return Int32(DIVAK_ERROR_INVALID)
            }
        }
}
