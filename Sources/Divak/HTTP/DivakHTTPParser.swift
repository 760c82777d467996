// DivakHTTPParser.swift - what else a span is to say about a request and its response.
// SPDX-License-Identifier: Apache-2.0

/// What a program wants its HTTP spans to say, beside or in place of what they say by themselves.
///
/// ```swift
/// var parser = DivakHTTPParser()
/// parser.request = { request, span in
///     span.tag("tenant", request.values(of: "x-tenant").first ?? "none")
/// }
/// parser.response = { response, span in
///     if response.values(of: "x-cache") == ["HIT"] { span.tag("cache", "hit") }
/// }
/// ```
///
/// Both are called after the span's own tags are set, so a tag of the same key, or a name, takes the place of it. They
/// are not called for spans that record nothing. Any thread may call them.
public struct DivakHTTPParser: Sendable {
    /// Called with each request, before it is answered or sent.
    public var request: @Sendable (DivakHTTPRequest, DivakSpanCustomizer) -> Void
    /// Called with each response.
    public var response: @Sendable (DivakHTTPResponse, DivakSpanCustomizer) -> Void

    /// A parser that adds nothing.
    public init() {
        request = { _, _ in }
        response = { _, _ in }
    }
}
