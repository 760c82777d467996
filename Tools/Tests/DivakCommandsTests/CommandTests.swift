// SPDX-License-Identifier: Apache-2.0
// CommandTests.swift - what the commands make of what people type and servers send.

import DivakTerminal
import Foundation
import Testing

@testable import DivakCommands

@Suite("Commands")
struct CommandTests {
    @Test func serversAreNamedInEveryWayThatPeopleDo() throws {
        for text in [
            "localhost:9411", "http://localhost:9411", "http://localhost:9411/", "http://localhost:9411/api/v2",
            "http://localhost:9411/api/v2/spans", "http://localhost:9411/zipkin/",
        ] {
            let client = try ZipkinClient(text)
            #expect(client.url("api/v2/traces").absoluteString == "http://localhost:9411/api/v2/traces")
        }
        #expect(
            try ZipkinClient("https://example.org/tracing/api/v2/spans").base.absoluteString
                == "https://example.org/tracing"
        )
        for text in ["", "ftp://localhost", "http://", "a b"] {
            #expect(throws: CommandFailure.self) { try ZipkinClient(text) }
        }
    }

    @Test func questionsAreEscapedAndSecretsNotShown() throws {
        let client = try ZipkinClient("http://user:secret@localhost:9411")
        let url = client.url("api/v2/traces", [("annotationQuery", "a=b+c and d=é&f"), ("serviceName", nil)])
        #expect(
            url.query == "annotationQuery=a%3Db%2Bc%20and%20d%3D%C3%A9%26f"
                || url.query == "annotationQuery=a=b%2Bc%20and%20d=%C3%A9%26f"
        )
        #expect(client.place == "http://localhost:9411")
    }

    @Test func aFileThatCanNotBeReadIsNamedWithTheReasonOnce() {
        let missing = #expect(throws: CommandFailure.self) { try readFile("/no/such/file") }
        #expect(missing?.description == "/no/such/file: No such file or directory")
        let folder = #expect(throws: CommandFailure.self) { try readFile("/") }
        #expect(folder?.description == "/: Is a directory")
    }

    @Test func blanksAroundAnAddressAreNoMistake() throws {
        #expect(try ZipkinClient(" localhost:9411 ").base.absoluteString == "http://localhost:9411")
    }

    @Test(arguments: [
        ("ftp://me:s3cr3t@gate:1/x", "ftp://REDACTED@gate:1/REDACTED"), ("me:s3cr3t", "me:REDACTED"),
        ("http://me:s3/cr@t@ga te", "http://REDACTED@ga te"), ("gate:94l1", "gate:REDACTED"),
        ("gate:9411?key=s3cr3t", "gate:9411/REDACTED"), ("http://", "http://"),
    ])
    func aMistakeInAVariableIsShownWithoutSecrets(_ address: String, _ shown: String) {
        #expect(ZipkinClient.withoutSecrets(address) == shown)
    }

    @Test func aFileIsReadWhole() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "divak \(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let data = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
        try data.write(to: file)
        #expect(try readFile(file.path) == data)
    }

    @Test func aMistakeInAnAddressIsShownAsItWasTyped() {
        let failure = #expect(throws: CommandFailure.self) { try ZipkinClient("http://") }
        #expect(failure?.description == "\"http://\" is not accepted: host:port or http(s)://host[:port]")
    }

    @Test(arguments: [
        (["--since", "soon"], "7d"), (["--min-duration", "5"], "7d"), (["--limit", "x"], "1 or more"),
        (["--limit", "0"], "1 or more"), (["--since", "0s"], "7d"), (["--tag", ""], "key=value"),
        (["--tag", "=x"], "key=value"), (["--tag", "error=a and b"], "key=value"), (["--sort", "fastest"], "longest"),
        (["--color", "red"], "never"),
    ])
    func whatIsNotAcceptedIsToldWhatIs(_ arguments: [String], _ accepted: String) {
        let error = #expect(throws: (any Error).self) { try TracesCommand.parse(arguments) }
        let words = error.map { TracesCommand.fullMessage(for: $0) } ?? ""
        #expect(words.contains(accepted) && (arguments[1].isEmpty || words.contains(arguments[1])), "\(words)")
    }

    @Test func timesHaveUnits() {
        #expect(Span(argument: "250ms")?.microseconds == 250_000)
        #expect(Span(argument: "1.5s")?.microseconds == 1_500_000)
        #expect(Span(argument: "7d")?.microseconds == 604_800_000_000)
        for text in ["", "s", "5", "-1s", "5 s", "5w", "1e30d", "1..2s", "0s", "0.5us"] {
            #expect(Span(argument: text) == nil, "\(text)")
        }
        #expect(Span(argument: "100us")?.lookback == 1 && Span(argument: "1h")?.lookback == 3_600_000)
    }

    @Test func aFileOfManyTracesIsSortedInOneGo() {
        // Each trace in two parts that lie apart; a look through all ids for each span would take minutes.
        let spans = (0..<200_000).map { ZipkinSpan(traceId: "\($0 % 100_000)", id: "\($0)") }
        let traces = TraceCommand.traces(spans)
        #expect(traces.count == 100_000 && traces.allSatisfy { $0.count == 2 })
        #expect(traces[7].map(\.id) == ["7", "100007"])
    }

    @Test func whatCameTooFastIsKnown() {
        #expect(News(#"{"spans":1200}"#) == .missing(1200))
        #expect(News(#"[{"traceId":"1","id":"2"}]"#) == .spans([ZipkinSpan(traceId: "1", id: "2")]))
        #expect(News(#"{"traceId":"1","id":"2"}"#) == .spans([ZipkinSpan(traceId: "1", id: "2")]))
        for text in ["", "{}", #"{"spans":0}"#, #"{"spans":-1}"#, "[1]"] { #expect(News(text) == nil, "\(text)") }
    }

    @Test func aTraceIsNamedByItsIDOrByALink() {
        let id = "80f198ee56343ba864fe8b2a57d3eff7"
        for text in [id, id.uppercased(), "http://localhost:9411/zipkin/traces/\(id)", "x/?id=\(id)"] {
            #expect(TraceCommand.traceID(text) == id)
        }
        for text in ["", "xyz", id + "0", "80f1-98"] { #expect(TraceCommand.traceID(text) == nil, "\(text)") }
    }

    @Test func eventsAreWholeHoweverTheyAreCut() {
        let stream = Data("event: a\ndata: [1]\n\n: comment\ndata:x\ndata: y\r\n\r\ndata: rest".utf8)
        for size in [1, 2, 3, 7, stream.count] {
            var parser = EventParser()
            var events: [String] = []
            var at = 0
            while at < stream.count {
                events += parser.events(in: stream[at..<min(at + size, stream.count)])
                at += size
            }
            #expect(events == ["[1]", "x\ny"], "pieces of \(size)")
        }
    }

    @Test func eventsAreWholeWhenACharacterIsCut() {
        var parser = EventParser()
        let stream = Array("data: é\n\n".utf8)
        var events: [String] = []
        for byte in stream { events += parser.events(in: Data([byte])) }
        #expect(events == ["é"])
    }

    private func texts(_ saved: SavedSpans, _ limit: Int) -> [String] {
        saved.messages(limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func savedSpansAreCutBetweenSpans() throws {
        let saved = try SavedSpans(Data(#"[{"id":"1","tags":{"a":"]}\"{["}}, {"id":"2"},{"id":"3"}]"#.utf8))
        #expect(saved.count == 3 && saved.contentType == "application/json")
        #expect(texts(saved, 1000) == [#"[{"id":"1","tags":{"a":"]}\"{["}},{"id":"2"},{"id":"3"}]"#])
        #expect(texts(saved, 25) == [#"[{"id":"1","tags":{"a":"]}\"{["}}]"#, #"[{"id":"2"},{"id":"3"}]"#])
        #expect(texts(saved, 1).count == 3)
        // As a search answers: a list of traces.
        #expect(
            try texts(SavedSpans(Data(#"[[{"id":"1"}],[{"id":"2"}]]"#.utf8)), 1000) == [#"[{"id":"1"},{"id":"2"}]"#]
        )
        #expect(try SavedSpans(Data("[]".utf8)).messages(limit: 10).isEmpty)
        // An empty line begins as a list in proto3 does.
        #expect(try texts(SavedSpans(Data("\n \n[{\"id\":\"1\"}]".utf8)), 1000) == [#"[{"id":"1"}]"#])
    }

    @Test func aFileIsAListOfSpansOrOfTraces() throws {
        let span = #"{"traceId":"1","id":"2"}"#
        #expect(try savedSpans(Data("[\(span)]".utf8), "f").map(\.id) == ["2"])
        #expect(try savedSpans(Data("[[\(span)],[\(span),\(span)]]".utf8), "f").count == 3)
        let failure = #expect(throws: CommandFailure.self) { try savedSpans(Data("# Notes".utf8), "notes.md") }
        #expect(failure?.description == "notes.md: not a list of spans in JSON")
    }

    @Test func savedSpansInProto3AreCutBetweenSpans() throws {
        let bytes: [UInt8] = [0x0A, 2, 1, 2, 0x0A, 1, 3]
        let saved = try SavedSpans(Data(bytes))
        #expect(saved.count == 2 && saved.contentType == "application/x-protobuf")
        #expect(saved.messages(limit: 100) == [Data(bytes)])
        #expect(saved.messages(limit: 5) == [Data(bytes[0..<4]), Data(bytes[4...])])
    }

    @Test func whatIsNoListOfSpansIsRefusedAsAWhole() {
        let bad: [[UInt8]] = [
            Array("".utf8), Array("{}".utf8), Array("[".utf8), Array("]".utf8), Array("[{]".utf8), Array("[{}".utf8),
            Array("[[[{}]]]".utf8), Array("[\"".utf8), Array("[{}]x".utf8), Array("hello".utf8), [0x0A], [0x0A, 5, 1],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x0A, 0, 0x12, 0],
        ]
        for bytes in bad { #expect(throws: CommandFailure.self, "\(bytes)") { try SavedSpans(Data(bytes)) } }
    }
}
