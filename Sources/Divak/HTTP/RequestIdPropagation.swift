// RequestIdPropagation.swift - the id of a request: under which header it travels, what it may be, who makes one.
// SPDX-License-Identifier: Apache-2.0

/// Reads, makes and passes on an id for each request.
///
/// ```swift
/// try addDivakPropagator(RequestIdPropagation())                                          // x-request-id, UUID
/// try addDivakPropagator(RequestIdPropagation(header: "Correlation-ID", generate: .never))
/// try addDivakPropagator(RequestIdPropagation(generate: .by { "\(host)-\(counter.next())" }))
/// ```
///
/// An id has 1 to 128 printable ASCII characters, without blanks, quotes, `\`, `<`, `>` and commas. A header that holds
/// anything else, nothing, or several different ids is as if it were absent.
public struct RequestIdPropagation: Sendable {
    /// Who makes an id for a request that came without one.
    public struct Generator: Sendable {
        enum Storage: Sendable {
            case uuid
            case never
            case custom(@Sendable () -> String)
        }

        let storage: Storage

        /// A random UUID (version 4).
        public static let uuid = Generator(storage: .uuid)
        /// Nobody: the request has no id then.
        public static let never = Generator(storage: .never)
        /// A closure, which any thread may call; a UUID takes the place of what may not be an id.
        public static func by(_ make: @escaping @Sendable () -> String) -> Generator {
            Generator(storage: .custom(make))
        }

        var isUUID: Bool { if case .uuid = storage { true } else { false } }

        var isCustom: Bool { if case .custom = storage { true } else { false } }

        /// An id, or nil.
        @Sendable func make() -> String? {
            switch storage {
            case .uuid: return RequestIdPropagation.makeUUID()
            case .never: return nil
            case .custom(let make):
                let id = make()
                return RequestIdPropagation.isValid(id) ? id : RequestIdPropagation.makeUUID()
            }
        }
    }

    /// The header's name.
    public let header: String
    /// Who makes an id where none came.
    public let generate: Generator

    /// Ids under a header, made by somebody.
    public init(header: String = "x-request-id", generate: Generator = .uuid) {
        self.header = header
        self.generate = generate
    }

    /// Whether a text may be the id of a request.
    public static func isValid(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && !refused.contains($0) }
    }

    private static let refused = Set(#""'`\<>,"#.utf8)

    /// A random UUID, version 4, in lower case.
    static func makeUUID() -> String {
        var random = SystemRandomNumberGenerator()
        let high: UInt64 = random.next() & ~0xf000 | 0x4000
        let low: UInt64 = random.next() & ~(3 << 62) | 1 << 63
        var text = hexadecimal(high, low)
        for place in [20, 16, 12, 8] { text.insert("-", at: text.utf8.index(text.startIndex, offsetBy: place)) }
        return text
    }
}

extension RequestIdPropagation {
    /// The id of an incoming request: its header's, or that which the tracer read, or a new one, or nil.
    func id(of request: DivakHTTPRequest, parent: DivakParent) -> String? {
        if let id = request.headers.onlyValue(of: header), Self.isValid(id) { return id }
        if let id = parent.baggage(DivakRequest.baggageName), Self.isValid(id) { return id }
        return generate.make()
    }
}
