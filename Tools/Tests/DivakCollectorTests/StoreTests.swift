// SPDX-License-Identifier: Apache-2.0
// StoreTests.swift - what goes in is found, what is too much goes and is counted, and a file keeps what it has.

import Foundation
import Testing

@testable import DivakCollector

@Suite struct StoreTests {
    /// Spans of random traces, services and times.
    static func randomSpans(_ count: Int, traces: UInt64, dice: inout Dice) -> [Span] {
        (0..<count).map { i in
            var made = span(
                UInt64.random(in: 1...traces, using: &dice),
                UInt64(i + 1),
                parent: Bool.random(using: &dice) ? 0 : UInt64.random(in: 1...9, using: &dice),
                service: dice.pick(["web", "app", "db", nil]),
                name: dice.pick(["get", "post", nil]),
                at: dice.pick([0, Int64.random(in: 1_000_000...9_000_000, using: &dice)]),
                for: dice.pick([0, Int64.random(in: 1...1000, using: &dice), 5_000_000_000]),
                remote: dice.pick(["db", nil]),
                tags: Bool.random(using: &dice) ? ["k": "\(Int.random(in: 0...3, using: &dice))"] : [:]
            )
            if Bool.random(using: &dice) { made.annotations = [Annotation(timestamp: 5, value: "retry")] }
            return made
        }
    }

    @Test func stored_and_evicted_are_all_that_was_added() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var dice = Dice(seed: seed)
        for maxSpans in [1, 2, 15, 16, 100, 1000, 5000] {
            let store = try SpanStore(limits: StoreLimits(maxSpans: maxSpans))
            var added: [UInt64: Int] = [:]
            for _ in 0..<30 {
                let spans = StoreTests.randomSpans(Int.random(in: 1...200, using: &dice), traces: 500, dice: &dice)
                for span in spans { added[span.trace.low, default: 0] += 1 }
                store.append(batch(spans))
                let stats = store.currentStats()
                #expect(stats.live <= maxSpans, "seed \(seed)")
                #expect(stats.live + stats.evicted == stats.added, "seed \(seed)")
            }
            var found = 0
            for trace in added.keys { found += store.trace(TraceID(low: trace))?.count ?? 0 }
            #expect(found == store.currentStats().live, "seed \(seed)")
        }
    }

    @Test func an_eviction_takes_whole_traces() throws {
        let store = try SpanStore(limits: StoreLimits(maxSpans: 320))
        for trace in UInt64(1)...1000 {
            store.append(batch((1...5).map { span(trace, $0, service: "s\(trace)") }))
        }
        for trace in UInt64(1)...1000 {
            let count = store.trace(TraceID(low: trace))?.count ?? 0
            #expect(count == 0 || count == 5)
        }
        #expect(store.trace(TraceID(low: 1000)) != nil)
        // Names go with the last span that has them.
        #expect(store.serviceNames().count == store.currentStats().traces)
    }

    @Test func a_trace_that_goes_on_for_ever_keeps_its_latest_spans() throws {
        let store = try SpanStore(limits: StoreLimits(maxSpans: 1600))
        for i in UInt64(1)...5000 { store.append(batch([span(7, i)])) }
        let trace = try #require(store.trace(TraceID(low: 7)))
        #expect(trace.count > 1400)
        #expect(trace.rawSpans.last?.id == 5000)
        #expect(trace.rawSpans.map(\.id) == Array((5001 - UInt64(trace.count))...5000))
    }

    @Test func bytes_are_bounded() throws {
        let store = try SpanStore(limits: StoreLimits(maxSpans: 1_000_000, maxBytes: 1 << 20))
        for i in UInt64(1)...2000 {
            store.append(batch([span(i, 1, tags: ["a": String(repeating: "x", count: 3000)])]))
            #expect(store.currentStats().bytes <= 1 << 20)
        }
        #expect(store.currentStats().live > 200)
        #expect(store.currentStats().live + store.currentStats().evicted == 2000)
    }

    @Test func names_that_never_repeat_count_too() throws {
        let store = try SpanStore(limits: StoreLimits(maxSpans: 1_000_000, maxBytes: 4 << 20))
        // A record is small beside what three names cost that are kept apart from it.
        for i in UInt64(1)...20_000 {
            store.append(batch([span(i, 1, service: "s\(i)", name: "n\(i)", remote: "r\(i)")]))
        }
        let stats = store.currentStats()
        #expect(stats.bytes <= 4 << 20)
        #expect(stats.live < 14_000)
        #expect(stats.live + stats.evicted == 20_000)
        let few = try SpanStore(limits: StoreLimits(maxSpans: 1_000_000, maxBytes: 4 << 20))
        for i in UInt64(1)...20_000 { few.append(batch([span(i, 1, service: "s", name: "n", remote: "r")])) }
        #expect(few.currentStats().live == 20_000)
    }

    @Test func age_is_bounded() async throws {
        let store = try SpanStore(limits: StoreLimits(maxAge: 200))
        store.append(batch([span(1, 1)]))
        store.maintain()
        #expect(store.trace(TraceID(low: 1)) != nil)
        try await Task.sleep(for: .milliseconds(250))
        store.append(batch([span(2, 1)]))
        store.maintain()
        #expect(store.trace(TraceID(low: 1)) == nil)
        #expect(store.trace(TraceID(low: 2)) != nil)
        #expect(store.currentStats().evicted == 1)
    }

    @Test(arguments: [false, true])
    func a_search_finds_what_looking_at_every_trace_finds(_ inFile: Bool) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var dice = Dice(seed: seed)
        let file = try TemporaryFile()
        let store = try SpanStore(path: inFile ? file.path : nil)
        let spans = StoreTests.randomSpans(3000, traces: 400, dice: &dice)
        for start in stride(from: 0, to: spans.count, by: 100) {
            store.append(batch(Array(spans[start..<start + 100])))
        }
        store.persist()
        let byTrace = Dictionary(grouping: spans, by: \.trace)
        for _ in 0..<300 {
            var address = "/api/v2/traces?limit=1000"
            func maybe(_ name: String, _ values: [String]) {
                if Int.random(in: 0..<3, using: &dice) == 0 {
                    address += "&\(name)=\(values.randomElement(using: &dice)!)"
                }
            }
            maybe("serviceName", ["web", "APP", "db", "none", ""])
            maybe("remoteServiceName", ["db", "web"])
            maybe("spanName", ["get", "POST", "all", "none"])
            maybe("annotationQuery", ["k=1", "k", "retry", "retry+and+k=2", "nothing"])
            maybe("minDuration", ["1", "500", "4000000000"])
            if address.contains("minDuration") { maybe("maxDuration", ["4000000000", "9000000000"]) }
            address += "&endTs=\(Int.random(in: 500...9500, using: &dice))"
            address += "&lookback=\(Int.random(in: 1...9000, using: &dice))"
            let parts = address.split(separator: "?")
            let query = try TraceQuery(Request(path: "", query: parseQuery(parts[1])), now: 0, lookback: 0)
            let found = store.search(query).map { $0.rawSpans[0].trace }
            let expected = byTrace.filter { _, spans in
                var records = TraceRecords()
                let all = batch(spans)
                all.records.withUnsafeBufferPointer { bytes in
                    for entry in all.entries { records.append(bytes.slice(entry.record)) }
                }
                return query.matches(records)
            }
            #expect(Set(found) == Set(expected.keys), "\(address), seed \(seed)")
            #expect(Set(found).count == found.count)
        }
    }

    @Test func the_latest_traces_come_first_and_no_more_than_asked_for() async throws {
        let collector = try Collector.inMemory()
        for i in UInt64(1)...50 { collector.store.append(batch([span(i, 1, at: Int64(i) * 1000)])) }
        let answer = await collector.text("/api/v2/traces?endTs=40&lookback=100&limit=3")
        let spans = answer.split(separator: "\"timestamp\":").dropFirst().map { $0.prefix { $0.isNumber } }
        #expect(spans == ["40000", "39000", "38000"])
    }

    // ---- in a file ----

    @Test func a_file_that_is_opened_again_has_everything() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var dice = Dice(seed: seed)
        let file = try TemporaryFile()
        let spans = StoreTests.randomSpans(5000, traces: 300, dice: &dice)
        var before: [String] = []
        let questions =
            ["services", "spans?serviceName=web", "remoteServices?serviceName=app", "autocompleteValues?key=k"]
            + (1...300).map { "trace/\($0)" }
        do {
            let store = try SpanStore(path: file.path, autocompleteKeys: ["k"])
            let collector = Collector(store: store)
            for start in stride(from: 0, to: spans.count, by: 250) {
                store.append(batch(Array(spans[start..<start + 250])))
                if start.isMultiple(of: 1000) { #expect(store.persist()) }
            }
            for question in questions { before.append(await collector.text("/api/v2/\(question)")) }
            #expect(store.persist())
            for (question, answer) in zip(questions, before) {
                #expect(await collector.text("/api/v2/\(question)") == answer)
            }
        }
        let store = try SpanStore(path: file.path, autocompleteKeys: ["k"])
        #expect(store.currentStats().restored == 5000)
        let collector = Collector(store: store)
        for (question, answer) in zip(questions, before) {
            #expect(await collector.text("/api/v2/\(question)") == answer, "seed \(seed)")
        }
        // And it goes on.
        store.append(batch([span(1, 99_999)]))
        #expect(store.persist())
        #expect(store.currentStats().live == 5001)
    }

    @Test func what_is_evicted_leaves_the_file_too() throws {
        let file = try TemporaryFile()
        var live = 0
        do {
            let store = try SpanStore(limits: StoreLimits(maxSpans: 1000), path: file.path)
            var dice = Dice(seed: 1)
            for _ in 0..<60 {
                store.append(batch(StoreTests.randomSpans(100, traces: 200, dice: &dice)))
                store.maintain()
            }
            live = store.currentStats().live
            #expect(live <= 1000)
        }
        let again = try SpanStore(limits: StoreLimits(maxSpans: 1000), path: file.path)
        #expect(again.currentStats().restored == live)
        #expect(again.currentStats().live == live)
    }

    @Test func a_smaller_limit_holds_for_a_file_that_has_more() throws {
        let file = try TemporaryFile()
        do {
            let store = try SpanStore(path: file.path)
            for i in UInt64(1)...3000 { store.append(batch([span(i, 1)])) }
            #expect(store.persist())
        }
        let store = try SpanStore(limits: StoreLimits(maxSpans: 100), path: file.path)
        let stats = store.currentStats()
        #expect(stats.live <= 100)
        #expect(stats.live > 80)
        #expect(stats.live + stats.evicted == stats.restored)
        #expect(store.trace(TraceID(low: 3000)) != nil)
    }

    @Test func a_file_in_use_is_refused() throws {
        let file = try TemporaryFile()
        let first = try SpanStore(path: file.path)
        let error = #expect(throws: StoreError.self) { try SpanStore(path: file.path) }
        #expect(error?.description.contains("another collector") == true)
        _ = first
    }

    @Test func a_file_of_something_else_is_refused_and_left_alone() throws {
        let file = try TemporaryFile()
        try Data("this is no database, it is a letter to a friend".utf8).write(to: URL(filePath: file.path))
        let error = #expect(throws: StoreError.self) { try SpanStore(path: file.path) }
        #expect(error?.description.contains(file.path) == true)
        #expect(try Data(contentsOf: URL(filePath: file.path)).count == 47)
    }

    @Test func many_threads_add_and_ask_at_once() async throws {
        let store = try SpanStore(limits: StoreLimits(maxSpans: 2000))
        let collector = Collector(store: store)
        await withTaskGroup { group in
            for task in 0..<4 {
                group.addTask {
                    var dice = Dice(seed: UInt64(task))
                    for _ in 0..<100 {
                        store.append(batch(StoreTests.randomSpans(50, traces: 300, dice: &dice)))
                    }
                }
                group.addTask {
                    for i in 0..<60 {
                        _ = await collector.get("/api/v2/traces?endTs=9000&lookback=9000&annotationQuery=k")
                        _ = await collector.get("/api/v2/trace/\(i + 1)")
                        _ = await collector.get("/api/v2/dependencies?endTs=9000&lookback=9000")
                    }
                }
            }
        }
        let stats = store.currentStats()
        #expect(stats.added == 20_000)
        #expect(stats.live + stats.evicted == 20_000)
    }

    @Test func a_follower_gets_what_arrives_and_is_told_what_it_missed() async throws {
        let store = try SpanStore()
        let follower = store.follow()
        for i in UInt64(1)...100 { store.append(batch([span(i, 1)])) }
        #expect(follower.takeMissed() == 100 - Follower.batchesMax)
        follower.stop()
        var got: [UInt64] = []
        for await batch in follower.batches { got += batch.spans.map(\.trace.low) }
        #expect(got == Array(37...100))
    }
}
