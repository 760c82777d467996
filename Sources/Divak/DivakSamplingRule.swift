// DivakSamplingRule.swift - which sampler decides about which requests.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// A condition on a request, and the sampler that decides about those that meet it.
///
/// ```swift
/// DivakSamplingRule(kind: .server, path: "/health", then: .never)
/// DivakSamplingRule(route: "/users/{id}", mayOverride: true, then: .rate(perSecond: 10))
/// ```
///
/// All that is named has to match; a rule that names nothing matches every request. Method, path and route are those of
/// ``DivakStartOptions``.
public struct DivakSamplingRule: Sendable {
    /// The kind of span, or nil for any.
    public var kind: DivakKind?
    /// The name that the span starts with, or nil for any.
    public var name: String?
    /// The method, in the case given, or nil for any.
    public var method: String?
    /// How the path begins, or nil for any.
    public var path: String?
    /// The route, or nil for any.
    public var route: String?
    /// Whether the rule is also asked when the caller has decided already.
    public var mayOverride: Bool
    /// Who decides when the rule matches.
    public var sampler: DivakSampler

    /// A rule that matches what is named here.
    public init(
        kind: DivakKind? = nil,
        name: String? = nil,
        method: String? = nil,
        path: String? = nil,
        route: String? = nil,
        mayOverride: Bool = false,
        then sampler: DivakSampler
    ) {
        self.kind = kind
        self.name = name
        self.method = method
        self.path = path
        self.route = route
        self.mayOverride = mayOverride
        self.sampler = sampler
    }
}

extension DivakSamplingRule: CustomStringConvertible {
    /// What the rule matches, in one line.
    public var description: String {
        let parts = [("name", name), ("method", method), ("path", path), ("route", route)]
        let texts = parts.compactMap { part in part.1.map { "\(part.0) \"\($0)\"" } }
        return texts.isEmpty ? "any request" : texts.joined(separator: ", ")
    }
}

extension DivakSamplingRule {
    /// Adds the rule to a list of C; what is wrong with it, or nil.
    func add(to rules: OpaquePointer?) -> String? {
        if let problem = sampler.core.problem { return problem }
        let texts = [name, method, path, route]
        // C reads texts up to a 0, and would take what is left for the whole.
        guard texts.allSatisfy({ !($0?.utf8.contains(0) ?? false) }) else { return "a text holds a 0" }
        let status = withTexts(texts) { name, method, path, route in
            var rule = divak_rule(
                is_kind_set: kind == nil ? 0 : 1,
                kind: kind?.rawValue ?? 0,
                name: name,
                method: method,
                path_prefix: path,
                route: route,
                may_override: mayOverride
            )
            return divak_sampler_add_rule(rules, &rule, sampler.core.pointer)
        }
        switch status {
        case 0...: return nil
        case Int32(DIVAK_ERROR_FULL): return "at most 64 rules are accepted"
        case Int32(DIVAK_ERROR_INVALID): return "at most 8 lists of rules behind one another are accepted"
        default: return String(cString: divak_status_text(status))
        }
    }

    private typealias Text = UnsafePointer<CChar>?

    private func withTexts(_ texts: [String?], _ body: (Text, Text, Text, Text) -> Int32) -> Int32 {
        func lend(_ index: Int, _ lent: [Text]) -> Int32 {
            guard index < texts.count else { return body(lent[0], lent[1], lent[2], lent[3]) }
            guard let text = texts[index] else { return lend(index + 1, lent + [nil]) }
            return text.withCString { lend(index + 1, lent + [$0]) }
        }
        return lend(0, [])
    }
}
