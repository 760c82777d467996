// TerminalTests.swift - traces as text: order, width, colour, and nothing that a terminal would obey.
// SPDX-License-Identifier: Apache-2.0

import DivakTerminal
import Foundation
import Testing

private func span(
    _ id: String,
    parent: String? = nil,
    name: String = "work",
    service: String = "tests",
    at start: Int64? = 1_000_000,
    lasting duration: Int64? = 1000,
    kind: String? = nil,
    tags: [String: String] = [:],
    isShared: Bool? = nil
) -> ZipkinSpan {
    ZipkinSpan(
        traceId: "80f198ee56343ba8",
        parentId: parent,
        id: id,
        kind: kind,
        name: name,
        timestamp: start,
        duration: duration,
        localEndpoint: .init(serviceName: service),
        tags: tags,
        shared: isShared
    )
}

private let plain = Screen(width: 100, hasColour: false, hasUnicode: true)
private let ascii = Screen(width: 100, hasColour: false, hasUnicode: false)

/// Ids with their depth, in order.
private func shape(_ spans: [ZipkinSpan]) -> String {
    TraceTree(spans).rows.map { "\($0.depth)\($0.span.id)\($0.span.shared == true ? "s" : "")" }.joined(separator: " ")
}

@Suite("A trace in a terminal")
struct TerminalTests {
    @Test func childrenFollowTheirParentsInOrderOfTime() {
        let spans = [
            span("c", parent: "a", at: 3), span("a", at: 1), span("d", parent: "b", at: 4),
            span("b", parent: "a", at: 2),
        ]
        #expect(shape(spans) == "0a 1b 2d 1c")
    }

    @Test func bothHalvesOfASharedSpanStandOneBelowTheOther() {
        let spans = [
            span("b", parent: "a", kind: "SERVER", isShared: true), span("c", parent: "b"),
            span("b", parent: "a", kind: "CLIENT"), span("a"),
        ]
        #expect(shape(spans) == "0a 1b 2bs 3c")
    }

    @Test func nothingIsHiddenByAMissingParentACircleOrATwin() {
        #expect(shape([span("b", parent: "gone", at: 2), span("a", at: 1)]) == "0a 0b")
        #expect(TraceTree([span("b", parent: "gone")]).rows[0].isOrphan)
        #expect(shape([span("a", parent: "b"), span("b", parent: "a")]).split(separator: " ").count == 2)
        #expect(shape([span("a", parent: "a")]) == "0a")
        #expect(shape([span("a"), span("a")]) == "0a")
        #expect(shape([]) == "")
    }

    @Test func aTraceDeeperThanAnyStackIsWalked() {
        let spans = (0..<20000).map { span("\($0)", parent: $0 == 0 ? nil : "\($0 - 1)") }
        #expect(TraceTree(spans).rows.last?.depth == 19999)
    }

    @Test func noLineIsWiderThanTheScreen() {
        let wide = "名前の長いスパン" + String(repeating: "x", count: 200)
        var spans = [span("a", name: wide, service: wide, lasting: 90_000, tags: ["error": wide])]
        for depth in 1..<30 {
            spans.append(
                span("\(depth)", parent: depth == 1 ? "a" : "\(depth - 1)", name: wide, at: 1_000_000 + Int64(depth))
            )
        }
        let id = "80f198ee56343ba864fe8b2a57d3eff7"
        var long = span("a", name: "get /orders", service: "gateway", lasting: 1000)
        long.traceId = id
        for width in [40, 50, 60, 79, 80, 81, 100, 109, 110, 120, 300] {
            let screen = Screen(width: width, hasColour: false, hasUnicode: true)
            for line in Waterfall(on: screen).lines(TraceTree(spans)) {
                #expect(Screen.columns(line) <= width, "\(width): \(line)")
            }
            // Of today, and of another day.
            for now in [1_000_000, 90_000_000_000] as [Int64] {
                let lines = TraceTable(on: screen).lines([TraceTree(spans), TraceTree([long])], now: now)
                for line in lines { #expect(Screen.columns(line) <= width, "\(width): \(line)") }
                #expect(lines.contains { $0.hasSuffix(id) }, "\(width): the id is whole")
            }
            let links = [
                DependencyLink(parent: wide, child: wide + "2", callCount: 123_456, errorCount: 12_345),
                DependencyLink(parent: wide + "2", child: "c", callCount: 1),
            ]
            for line in DependencyTree(on: screen).lines(links) {
                #expect(Screen.columns(line) <= width, "\(width): \(line)")
            }
        }
    }

    @Test func timesAtTheEndsOfWhatFitsAreDrawn() throws {
        var edge = span("a", at: .max, lasting: .max, tags: ["error": "x"])
        edge.annotations = [
            try JSONDecoder().decode(
                ZipkinSpan.Annotation.self,
                from: Data(#"{"timestamp":-9223372036854775808,"value":"first"}"#.utf8)
            )
        ]
        for spans in [[edge], [edge, span("b", parent: "a", at: 1)], [edge, span("b", at: .min, lasting: .max)]] {
            let lines = Waterfall(on: plain).lines(TraceTree(spans), withDetails: true)
            #expect(lines.contains { $0.hasSuffix("first") })
            #expect(TraceTable(on: plain).lines([TraceTree(spans)], now: 0).count == 2)
        }
    }

    @Test func barsLieWhereTheSpansLie() throws {
        let spans = [
            span("a", name: "r", at: 1_000_000, lasting: 100_000),
            span("b", parent: "a", name: "h", at: 1_050_000, lasting: 50_000),
        ]
        let lines = Waterfall(on: ascii).lines(TraceTree(spans))
        func bar(_ line: String) -> Substring { line.drop { $0 != "|" }.dropFirst().prefix { $0 != "|" } }
        let root = bar(lines[2])
        let child = bar(String(lines[3].drop { $0 != "-" }))
        #expect(root.count == child.count && root.allSatisfy { $0 == "=" })
        #expect(
            child.prefix(child.count / 2).allSatisfy { $0 == " " }
                && child.suffix(child.count / 2).allSatisfy { $0 == "=" }
        )
    }

    @Test func failuresAreMarkedWithTheirWords() {
        let lines = Waterfall(on: plain).lines(TraceTree([span("a", tags: ["error": "disk full"])]))
        #expect(lines[0].hasSuffix("1 failed   " + Quantity.time(1_000_000)) && lines[2].hasSuffix("✗ disk full"))
        // Its presence is what counts.
        #expect(TraceTree([span("a", tags: ["error": ""])]).errorCount == 1)
    }

    @Test func whatATerminalWouldObeyIsShownAndNotSent() {
        let evil = "\u{1B}]0;title\u{7}\u{9B}31m\u{202E}abc\r\nx\ty"
        let spans = [span("a", name: evil, service: evil, tags: [evil: evil, "error": evil])]
        for screen in [plain, ascii] {
            let text =
                (Waterfall(on: screen).lines(TraceTree(spans), withDetails: true)
                + TraceTable(on: screen).lines([TraceTree(spans)], now: 0)).joined()
            for scalar in text.unicodeScalars {
                #expect(scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && scalar.value != 0x202E)
            }
        }
    }

    @Test func colourIsThereOnlyWhereItIsWanted() {
        let tree = TraceTree([span("a", tags: ["error": "x"])])
        let colour = Waterfall(on: Screen(width: 100, hasColour: true, hasUnicode: true)).lines(tree).joined()
        #expect(colour.contains("\u{1B}[1;31m") && colour.contains("\u{1B}[0m"))
        #expect(!Waterfall(on: plain).lines(tree).joined().contains("\u{1B}"))
        let drawn = Waterfall(on: ascii).lines(tree).joined()
        #expect(drawn.unicodeScalars.allSatisfy { $0.isASCII })
    }

    @Test func durationsHaveThreeDigitsAndAUnit() {
        let expected: [(Int64, String)] = [
            (0, "0 µs"), (7, "7 µs"), (999, "999 µs"), (1000, "1.00 ms"), (1254, "1.25 ms"), (9996, "10.0 ms"),
            (12_345, "12.3 ms"), (148_200, "148 ms"), (999_949, "1000 ms"), (999_950, "1.00 s"), (59_999_999, "60.0 s"),
            (60_000_000, "1 m 0 s"), (200_000_000, "3 m 20 s"), (7_260_000_000, "2 h 1 m"),
        ]
        for (microseconds, text) in expected { #expect(Quantity.duration(microseconds) == text) }
        #expect(Quantity.duration(5, unicode: false) == "5 us")
    }

    @Test func listsShowWhatIsLongAndWhatFailed() {
        let fast = TraceTree([span("a", lasting: 10_000)])
        let slow = TraceTree([span("b", lasting: 100_000, tags: ["error": "x"])])
        let lines = TraceTable(on: plain).lines([fast, slow], now: 1_000_000)
        #expect(lines.count == 3 && lines[2].contains("1 ✗") && !lines[1].contains("✗"))
        #expect(lines[2].count { $0 == "█" } == 20 && lines[1].count { $0 == "█" } == 2)
        #expect(TraceTable(on: plain).lines([], now: 0) == ["no traces"])
    }

    @Test func callsAreATreeInWhichEachServiceIsExpandedOnce() {
        let links = [
            DependencyLink(parent: "gateway", child: "orders", callCount: 120),
            DependencyLink(parent: "gateway", child: "stock", callCount: 12),
            DependencyLink(parent: "orders", child: "stock", callCount: 80, errorCount: 4),
            DependencyLink(parent: "stock", child: "mysql", callCount: 1),
        ]
        #expect(
            DependencyTree(on: plain).lines(links) == [
                "gateway",
                "├─ orders       120 calls",
                "│  └─ stock      80 calls  4 failed (5 %)",
                "│     └─ mysql    1 call",
                "└─ stock         12 calls",
            ]
        )
    }

    @Test func circlesOfCallsEnd() {
        let circle = [
            DependencyLink(parent: "a", child: "b", callCount: 1),
            DependencyLink(parent: "b", child: "a", callCount: 1),
            DependencyLink(parent: "c", child: "c", callCount: 1),
        ]
        #expect(DependencyTree(on: ascii).lines(circle).count == 5)
        #expect(DependencyTree(on: ascii).lines([]) == ["no calls between services"])
    }

    @Test func theEnvironmentIsHeeded() {
        func screen(_ colour: Screen.ColourWish, _ variables: [String: String]) -> Screen {
            Screen.standardOutput(colour: colour) { variables[$0] }
        }
        #expect(screen(.always, ["NO_COLOR": "1"]).hasColour && !screen(.never, [:]).hasColour)
        #expect(
            screen(.auto, ["LANG": "en_US.UTF-8"]).hasUnicode
                && !screen(.auto, ["LC_ALL": "C", "LANG": "x.UTF-8"]).hasUnicode
        )
        #expect(screen(.auto, ["COLUMNS": "7"]).width >= 40)
    }
}
