// DivakSpan+RequestID.swift - the request id: what people quote when they ask what became of a request.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakSpan {
    /// The request id that travels with the trace, or nil when there is none.
    ///
    /// ```swift
    /// let id = DivakSpan.current?.requestID ?? "-"
    /// ```
    ///
    /// It came in the header ``DivakConfiguration/requestIDHeader``, or was made here
    /// (``DivakConfiguration/makesRequestIDs``).
    public var requestID: String? { baggage("request-id") }

    /// Sets the request id for this span, its headers, and the children that start after; nil removes it.
    ///
    /// ```swift
    /// var span = span
    /// try span.setRequestID(order.id)
    /// tracer.injectResponse(span) { name, value in response.headers[name] = value }
    /// ```
    ///
    /// Copies made earlier keep the id they had, see ``setBaggage(_:_:)``.
    ///
    /// - Throws: `.invalid` for what is not 1 to 128 printable ASCII characters without blanks, quotes, `\`, `<`, `>` and
    ///   commas.
    public mutating func setRequestID(_ id: String?) throws(DivakError) {
        try setBaggage("request-id", id)
    }
}

extension DivakParent {
    /// The request id that came with the headers, or that was made because none did.
    public var requestID: String? { baggage("request-id") }
}

/// Which headers a response gets.
public struct DivakResponseHeaders: OptionSet, Sendable, Hashable {
    /// The bits of the C interface.
    public let rawValue: UInt32

    /// Headers by the bits of the C interface.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The request id, under the name of its header.
    public static let requestID = DivakResponseHeaders(rawValue: UInt32(DIVAK_RESPONSE_REQUEST_ID))
    /// The header `b3`, with the ids of the span itself.
    public static let b3 = DivakResponseHeaders(rawValue: UInt32(DIVAK_RESPONSE_B3))
    /// The headers `X-B3-...`, with the ids of the span itself.
    public static let b3multi = DivakResponseHeaders(rawValue: UInt32(DIVAK_RESPONSE_B3_MULTI))
}

extension DivakTracer {
    /// Writes headers of a response, for whoever asked: also when the response reports an error.
    ///
    /// ```swift
    /// tracer.injectResponse(span, headers: [.requestID, .b3]) { name, value in response.headers[name] = value }
    /// ```
    ///
    /// - Parameters:
    ///   - span: The server's span; nil stands for the current one.
    ///   - headers: Which headers; what the span does not have is left out.
    ///   - set: Called with each name and value. Leave a header alone that the program has set itself.
    public func injectResponse(
        _ span: DivakSpan? = nil,
        headers: DivakResponseHeaders = .requestID,
        into set: (_ name: String, _ value: String) -> Void
    ) {
        guard let span = span ?? .current else { return }
        withoutActuallyEscaping(set) { set in
            withUnsafePointer(to: HeaderSink(set: set)) { sink in
                withUnsafePointer(to: span.handle) { handle in
                    let context = UnsafeMutableRawPointer(mutating: sink)
                    _ = divak_inject_response(pointer, handle, headers.rawValue, HeaderSink.put, context)
                }
            }
        }
    }
}
