// DependencyTree.swift - which service calls which, as a tree.
// SPDX-License-Identifier: Apache-2.0

/// Calls from one service to another, as Zipkin counts them.
public struct DependencyLink: Sendable, Hashable, Codable {
    /// Who calls.
    public var parent: String
    /// Who is called.
    public var child: String
    /// How often.
    public var callCount: Int
    /// How often in vain; absent when never.
    public var errorCount: Int?

    /// Calls from one service to another.
    public init(parent: String, child: String, callCount: Int, errorCount: Int? = nil) {
        self.parent = parent
        self.child = child
        self.callCount = callCount
        self.errorCount = errorCount
    }
}

/// A drawing of who calls whom.
///
/// ```text
/// gateway
/// ├─ orders          120 calls
/// │  └─ stock         80 calls  4 failed (5 %)
/// └─ stock            12 calls
/// ```
///
/// A service stands with its own calls where it is met first; elsewhere it is only named.
public struct DependencyTree: Sendable {
    let screen: Screen

    /// A drawing for this screen.
    public init(on screen: Screen) {
        self.screen = screen
    }

    /// The lines of a graph.
    public func lines(_ links: [DependencyLink]) -> [String] {
        guard !links.isEmpty else { return ["no calls between services"] }
        var rows: [(guides: String, name: String, link: DependencyLink?)] = []
        let calls = Dictionary(grouping: links, by: \.parent).mapValues {
            $0.sorted { ($1.callCount, $0.child) < ($0.callCount, $1.child) }
        }
        let called = Set(links.filter { $0.parent != $0.child }.map(\.child))
        var expanded = Set<String>()
        let (more, end, line, gap) = screen.hasUnicode ? ("├─ ", "└─ ", "│  ", "   ") : ("|- ", "`- ", "|  ", "   ")

        func expand(_ root: String) {
            guard expanded.insert(root).inserted else { return }
            rows.append(("", root, nil))
            var stack = [(service: root, guides: "", next: 0)]
            while let (service, guides, next) = stack.last {
                let children = calls[service] ?? []
                guard next < children.count else {
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                let isLast = next == children.count - 1
                let link = children[next]
                rows.append((guides + (isLast ? end : more), link.child, link))
                if expanded.insert(link.child).inserted {
                    stack.append((link.child, guides + (isLast ? gap : line), 0))
                }
            }
        }
        for parent in calls.keys.sorted() where !called.contains(parent) { expand(parent) }
        // Services that call in circles have no beginning: any will do.
        for parent in calls.keys.sorted() { expand(parent) }
        return draw(rows)
    }

    private func draw(_ rows: [(guides: String, name: String, link: DependencyLink?)]) -> [String] {
        let names = rows.map { $0.guides + screen.shown($0.name) }
        let digits = rows.compactMap { $0.link.map { "\($0.callCount)".count } }.max() ?? 1
        let failures = rows.map { $0.link.map(failed) ?? "" }
        let room = screen.width - "   calls".count - digits - (failures.map(\.count).max() ?? 0)
        let width = max(min(names.map(Screen.columns).max() ?? 0, room), 8)
        return rows.indices.map { i in
            guard let link = rows[i].link else { return screen.styled(screen.fitted(names[i], width).trimmed, .strong) }
            let count = String(repeating: " ", count: digits - "\(link.callCount)".count) + "\(link.callCount)"
            let calls = "  \(count) call\(link.callCount == 1 ? failures[i].isEmpty ? "" : " " : "s")"
            return screen.fitted(names[i], width) + calls + screen.styled(failures[i], .failure)
        }
    }

    private func failed(_ link: DependencyLink) -> String {
        guard let failed = link.errorCount, failed > 0 else { return "" }
        // On a narrow screen the names need the room.
        if screen.width < 60 { return "  \(failed) failed" }
        let share = Quantity.fixed(100 * Double(failed) / Double(max(link.callCount, 1)), 0)
        return "  \(failed) failed (\(share) %)"
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
