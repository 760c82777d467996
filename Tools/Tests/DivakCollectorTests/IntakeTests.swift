// SPDX-License-Identifier: Apache-2.0
// IntakeTests.swift - bodies that break a rule, each with Zipkin's status and words; and those that Zipkin lets pass.

import Testing

@testable import DivakCollector

@Suite struct IntakeTests {
    struct Refused: Sendable, CustomTestStringConvertible {
        var body: String
        var words: String

        init(_ body: String, _ words: String) {
            self.body = body
            self.words = words
        }

        var testDescription: String { body }
    }

    static let json = " reading List<Span> from json"
    static let list = "Expected a JSON_V2 encoded list\n"
    static let malformed = "Malformed" + json

    /// A span with more members than its ids.
    static func more(_ members: String) -> String { #"[{"traceId":"1","id":"2",\#(members)}]"# }

    static let refused: [Refused] = [
        Refused("hello", list),
        Refused(" []", list),
        Refused("\u{FEFF}[]", list),
        Refused(#"{"traceId":"1","id":"2"}"#, list),
        Refused(
            #"[{"traceId":"1","id":"2","myAnnotations":[]}]"#,
            "Expected a JSON_V2 encoded list, but received: JSON_V1\n"
        ),
        Refused(
            more(#""tags":{"a":"b","myAnnotations":"c"}"#),
            "Expected a JSON_V2 encoded list, but received: JSON_V1\n"
        ),
        Refused("[1]", malformed),
        Refused("[{]", malformed),
        Refused("[", malformed),
        Refused(#"[{"traceId":"1","id":"2"}"#, malformed),
        Refused(#"[{"traceId":"1","id":"2"},]"#, malformed),
        Refused(#"[{"traceId":"1","id":"2"}{"traceId":"1","id":"2"}]"#, malformed),
        Refused(#"[{"traceId":"1","id":"2" "name":"a"}]"#, malformed),
        Refused(#"[{traceId:"1"}]"#, malformed),
        Refused(#"[{"traceId":"1","id":"2","name":"a\q"}]"#, malformed),
        Refused(#"[{"traceId":"1","id":"2","name":"a\u12"}]"#, malformed),
        Refused(#"[{"traceId":"1","id":"2","timestamp":01}]"#, malformed),
        Refused(#"[{"traceId":"1","id":"2","timestamp":1.}]"#, malformed),
        Refused(#"[{"traceId":"1","id":"2","timestamp":NaN}]"#, malformed),
        Refused("[{}]", "Missing : traceId id" + json),
        Refused(#"[{"id":"2"}]"#, "Missing : traceId" + json),
        Refused(#"[{"traceId":"1"}]"#, "Missing : id" + json),
        Refused(#"[{"traceId":"","id":"2"}]"#, "traceId is empty" + json),
        Refused(#"[{"traceId":"000000000000000000000000000000001","id":"2"}]"#, "traceId.length > 32" + json),
        Refused(#"[{"traceId":"0000000000000000","id":"2"}]"#, "traceId is all zeros" + json),
        Refused(#"[{"traceId":"ABCD","id":"2"}]"#, "ABCD should be lower-hex encoded with no prefix" + json),
        Refused(
            #"[{"traceId":"463ac35c-9f64-13ad-4848-5a3953bb6124","id":"2"}]"#,
            "traceId.length > 32" + json
        ),
        Refused(
            #"[{"traceId":null,"id":"2"}]"#,
            "Expected a string but was NULL at line 1 column 17 path $[0].traceId" + json
        ),
        Refused(#"[{"traceId":"1","id":""}]"#, "id is empty" + json),
        Refused(#"[{"traceId":"1","id":"00000000000000001"}]"#, "id.length > 16" + json),
        Refused(#"[{"traceId":"1","id":"0000000000000000"}]"#, "id is all zeros" + json),
        Refused(more(#""parentId":"""#), "parentId is empty" + json),
        Refused(more(#""parentId":"00000000000000001""#), "parentId.length > 16" + json),
        Refused(more(#""kind":"client""#), "No enum constant zipkin2.Span.Kind.client" + json),
        Refused(more(#""kind":"""#), "No enum constant zipkin2.Span.Kind." + json),
        Refused(
            more(#""timestamp":1.5"#),
            "Expected a long but was 1.5 at line 1 column 41 path $[0].timestamp" + json
        ),
        Refused(
            more(#""timestamp":9223372036854775808"#),
            "Expected a long but was 9223372036854775808 at line 1 column 57 path $[0].timestamp" + json
        ),
        Refused(more(#""timestamp":"soon""#), "For input string: \"soon\"" + json),
        Refused(
            more(#""duration":true"#),
            "Expected a long but was BOOLEAN at line 1 column 41 path $[0].duration" + json
        ),
        Refused(more(#""localEndpoint":{"port":65536}"#), "invalid port 65536" + json),
        Refused(
            more(#""localEndpoint":{"port":-2147483649}"#),
            "Expected an int but was -2147483649 at line 1 column 61 path $[0].localEndpoint.port" + json
        ),
        Refused(more(#""localEndpoint":7"#), malformed),
        Refused(more(#""tags":[]"#), malformed),
        Refused(more(#""tags":{"a":null}"#), "No value at $[0].tags.a" + json),
        Refused(
            more(#""tags":{"error":true}"#),
            "Expected a string but was BOOLEAN at line 1 column 46 path $[0].tags.error" + json
        ),
        Refused(
            more(#""tags":{"a":{}}"#),
            "Expected a string but was BEGIN_OBJECT at line 1 column 38 path $[0].tags.a" + json
        ),
        Refused(
            more(#""annotations":{}"#),
            "Expected BEGIN_ARRAY but was BEGIN_OBJECT at line 1 column 40 path $[0].annotations" + json
        ),
        Refused(more(#""annotations":[{"timestamp":1}]"#), "Incomplete annotation at $[0].annotations[0]" + json),
        Refused(more(#""annotations":[{"value":"a"}]"#), "Incomplete annotation at $[0].annotations[0]" + json),
        Refused(
            more(#""debug":1"#),
            "Expected a boolean but was NUMBER at line 1 column 34 path $[0].debug" + json
        ),
        Refused(
            more(#""shared":"true""#),
            "Expected a boolean but was STRING at line 1 column 35 path $[0].shared" + json
        ),
    ]

    @Test(arguments: refused)
    func a_body_that_breaks_a_rule_is_refused_whole_with_the_words_of_Zipkin(_ refused: Refused) async throws {
        let collector = try Collector.inMemory()
        let answer = await collector.post(refused.body)
        #expect(answer.status == 400)
        #expect(answer.text == refused.words)
        #expect(collector.store.currentStats().live == 0)
        #expect(collector.intakeStats.messagesRejected == 1)
    }

    /// What goes in, and the span that comes out.
    static let lenient: [(String, String)] = [
        (more(#""parentId":"0","name":null"#), ""),
        (more(#""parentId":"2""#), ""),
        (more(#""parentId":null,"kind":null,"tags":null,"annotations":null,"localEndpoint":null"#), ""),
        (more(#""name":"GET /Straße Ä""#), #","name":"get /straße ä""#),
        (more(#""name":"""#), ""),
        (more(#""timestamp":0,"duration":-3"#), ""),
        (more(#""timestamp":-1"#), ""),
        (more(#""timestamp":"1472470996199000","duration":2e3"#), #","timestamp":1472470996199000,"duration":2000"#),
        (more(#""timestamp":5.0"#), #","timestamp":5"#),
        (more(#""localEndpoint":{"serviceName":"","ipv4":"1.2.3","port":0}"#), ""),
        (
            more(#""localEndpoint":{"serviceName":"Web","ipv4":"::ffff:1.2.3.4","port":-1}"#),
            #","localEndpoint":{"serviceName":"web","ipv4":"1.2.3.4"}"#
        ),
        (more(#""localEndpoint":{"ipv6":"2001:DB8:0:0:0:0:0:C001"}"#), #","localEndpoint":{"ipv6":"2001:db8::c001"}"#),
        (more(#""tags":{"b":1,"a":"x","b":"last","n":1.50}"#), #","tags":{"a":"x","b":"last","n":"1.50"}"#),
        (more(#""tags":{"":"","error":""}"#), #","tags":{"":"","error":""}"#),
        (
            more(
                #""annotations":[{"timestamp":2,"value":"b"},{"value":"a","timestamp":2},{"timestamp":2,"value":"b"},{"timestamp":-1,"value":"z"}]"#
            ),
            #","annotations":[{"timestamp":-1,"value":"z"},{"timestamp":2,"value":"a"},{"timestamp":2,"value":"b"}]"#
        ),
        (more(#""debug":false,"shared":true,"kind":"CLIENT""#), #","kind":"CLIENT""#),
        (more(#""unknown":{"deep":[1,{"a":"]"},null,true]},"shared":true"#), #","shared":true"#),
        (more(#""name":"half \ud800 pair""#), #","name":"half ? pair""#),
        (more("\"name\":\"raw \t tab\""), #","name":"raw \t tab""#),
        ("\n" + more(#""debug":true"#), #","debug":true"#),
        (more(#""debug":true"#) + " and more", #","debug":true"#),
    ]

    @Test(arguments: lenient)
    func what_Zipkin_lets_pass_passes_and_is_made_regular(_ body: String, _ rest: String) async throws {
        let collector = try Collector.inMemory()
        let answer = await collector.post(body)
        #expect(answer.status == 202, "\(answer.text)")
        let expected = #"[{"traceId":"0000000000000001","id":"0000000000000002"\#(rest)}]"#
        #expect(await collector.text("/api/v2/trace/1") == expected)
    }

    @Test func ids_are_padded_and_a_zero_high_half_is_cut() async throws {
        let collector = try Collector.inMemory()
        await collector.post(
            #"[{"traceId":"00000000000000000000000000000abc","id":"0"},{"traceId":"1f0000000000000abc","id":7}]"#
        )
        #expect(
            await collector.text("/api/v2/trace/abc") == #"[{"traceId":"0000000000000abc","id":"0000000000000000"}]"#
        )
        let long = #"[{"traceId":"000000000000001f0000000000000abc","id":"0000000000000007"}]"#
        #expect(await collector.text("/api/v2/trace/1f0000000000000abc") == long)
    }

    @Test func wrong_UTF8_becomes_the_replacement_character() async throws {
        let collector = try Collector.inMemory()
        var body = Array(#"[{"traceId":"1","id":"2","name":"a"#.utf8)
        body += [0xFF, 0xE2, 0x82] + Array(#"b"}]"#.utf8)
        #expect(await collector.post(body).status == 202)
        #expect(await collector.text("/api/v2/trace/1").contains("\"a\u{FFFD}\u{FFFD}b\""))
    }

    @Test(arguments: ["", "[]", "[ ]"])
    func an_empty_list_is_accepted(_ body: String) async throws {
        let answer = await (try Collector.inMemory()).post(body)
        #expect(answer.status == 202)
        #expect(answer.body.isEmpty)
    }

    @Test(
        arguments: [
            (0.0, []), (0.5, ["1", "3fffffffffffffff", "c000000000000001"]),
            (
                1.0,
                [
                    "1", "3fffffffffffffff", "4000000000000001", "7fffffffffffffff", "8000000000000000",
                    "c000000000000001",
                ]
            ),
        ] as [(Double, [String])]
    )
    func a_share_of_traces_is_kept_by_the_lower_half_of_their_ids(_ rate: Double, _ kept: [String]) async throws {
        let collector = try Collector.inMemory(sampleRate: rate)
        let ids = [
            "1", "3fffffffffffffff", "4000000000000001", "7fffffffffffffff", "8000000000000000", "c000000000000001",
        ]
        let list = ids.map {
            #"{"traceId":"000000000000abcd\#(String(repeating: "0", count: 16 - $0.count))\#($0)","id":"1"}"#
        }
        #expect(await collector.post("[" + list.joined(separator: ",") + "]").status == 202)
        for id in ids {
            let padded = String(repeating: "0", count: 16 - id.count) + id
            let status = await collector.get("/api/v2/trace/000000000000abcd\(padded)").status
            #expect(status == (kept.contains(id) ? 200 : 404), "\(id)")
        }
        #expect(collector.intakeStats.spans == ids.count)
        #expect(collector.intakeStats.spansDropped == ids.count - kept.count)
        // Debug is kept whatever the rate is.
        await collector.post(#"[{"traceId":"7000000000000000","id":"1","debug":true}]"#)
        #expect(await collector.get("/api/v2/trace/7000000000000000").status == 200)
    }

    @Test func format_v1_is_refused_and_told_where_to_go() async throws {
        let collector = try Collector.inMemory()
        let answer = await collector.answer(Request(method: "POST", path: "/api/v1/spans", body: Array("[]".utf8)))
        #expect(answer.status == 400)
        #expect(answer.text.contains("/api/v2/spans"))
    }

    // ---- proto3 ----

    static let proto = " reading List<Span> from proto3"
    static let protoRefused: [([UInt8], String)] = [
        (Array("hello".utf8), "Expected a PROTO3 encoded list\n"),
        ([0x0A, 0x00], "Expected a PROTO3 encoded list\n"),
        ([0x0A, 0x65, 0x6C], "Truncated: length 101 > bytes available 1" + proto),
        ([0x0A, 0x02, 0x0A, 0x00], "traceId == null" + proto),
        ([0x0A, 0x03, 0x0A, 0x01, 0x01], "Missing : id" + proto),
        ([0x0A, 0x06, 0x0A, 0x01, 0x01, 0x1A, 0x01, 0x02, 0x12, 0x00], "Malformed" + proto),
        ([0x0A, 0x08, 0x0A, 0x01, 0x01, 0x1A, 0x01, 0x02, 0x60, 0x02], "Malformed" + proto),
        ([0x0A, 0x08, 0x0A, 0x01, 0x01, 0x1A, 0x01, 0x02, 0x03, 0x02], "Malformed" + proto),
        (
            [0x0A, 0x13, 0x0A, 0x11] + [UInt8](repeating: 1, count: 17),
            "hex field greater than 32 chars long: 34" + proto
        ),
    ]

    @Test(arguments: protoRefused)
    func a_proto3_body_that_breaks_a_rule_is_refused(_ body: [UInt8], _ words: String) async throws {
        let answer = await (try Collector.inMemory()).post(body, ["content-type": "application/x-protobuf"])
        #expect(answer.status == 400)
        #expect(answer.text == words)
    }

    @Test func unknown_fields_and_wrong_wire_types_are_skipped() async throws {
        let collector = try Collector.inMemory()
        let span: [UInt8] = [
            0x0A, 0x01, 0x01, 0x1A, 0x01, 0x02,  // ids
            0x20, 0x09,  // a kind that doesn't exist
            0x28, 0x05,  // the name as a number
            0xA0, 0x06, 0x01,  // field 100
            0x12, 0x00,  // an empty parent
        ]
        #expect(
            await collector.post([0x0A, UInt8(span.count)] + span, ["content-type": "application/x-protobuf"]).status
                == 202
        )
        #expect(
            await collector.text("/api/v2/trace/1") == #"[{"traceId":"0000000000000001","id":"0000000000000002"}]"#
        )
    }

    @Test func bytes_at_random_never_do_more_than_be_refused() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var dice = Dice(seed: seed)
        let seeds = try Golden.names.flatMap { [try Golden.bytes("\($0).in.json"), try Golden.bytes("\($0).pb")] }
        for _ in 0..<20_000 {
            var body = seeds.randomElement(using: &dice)!
            for _ in 0..<Int.random(in: 1...4, using: &dice) where !body.isEmpty {
                let at = Int.random(in: 0..<body.count, using: &dice)
                switch Int.random(in: 0..<3, using: &dice) {
                case 0: body[at] = UInt8.random(in: 0...255, using: &dice)
                case 1: body.remove(at: at)
                default: body.insert(UInt8.random(in: 0...255, using: &dice), at: at)
                }
            }
            guard !body.isEmpty else { continue }
            for isProto in [false, true] {
                guard let batch = try? Intake.decode(body, isProto: isProto) else { continue }
                // What was taken is regular: it reads back as itself. Except for the id "0", which passes, as with
                // Zipkin, and is then written with sixteen zeros, which don't.
                if batch.spans.contains(where: { $0.id == 0 }) { continue }
                let again = try Intake.decode(batch.json, isProto: false)
                #expect(again.records == batch.records, "seed \(seed)")
            }
        }
    }
}
