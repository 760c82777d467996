// SamplerTests.swift - which traces are recorded: Divak's samplers and the user's.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Divak
import DivakTesting
import Testing

/// A number that several threads count up.
final class Tally: @unchecked Sendable {
    private let lock = DispatchQueue(label: "tally")
    private var number = 0

    var count: Int { lock.sync { number } }
    func add() { lock.sync { number += 1 } }
}

private func configured(_ sampler: DivakSampler) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test")
    configuration.sampler = sampler
    return configuration
}

extension Everything {
    @Suite struct SamplerTests {
        @Test(arguments: [(DivakSampler.always, 1000), (.never, 0), (.counting(37), 370), (.modulo(1), 1000)])
        func a_sampler_chooses_its_number_of_a_thousand_traces(sampler: DivakSampler, expected: Int) async throws {
            try await withTracer(configured(sampler)) { tracer, collector in
                for _ in 0..<1000 { tracer.withSpan("root", parent: .newTrace) { _ in } }
                let reported = try await collector.spans(of: tracer)
                #expect(reported.count == expected)
            }
        }

        @Test func a_probability_chooses_the_same_traces_everywhere_and_about_its_share_of_them() {
            let first = DivakSampler.probability(0.1)
            let second = DivakSampler.probability(0.1)
            let larger = DivakSampler.probability(0.2)
            var sampled = 0
            for _ in 0..<20_000 {
                let request = DivakSamplingRequest(traceIDLow: .random(in: 1...UInt64.max))
                let decision = first.decide(request)
                #expect(second.decide(request) == decision)
                if decision == .sample {
                    sampled += 1
                    #expect(larger.decide(request) == .sample)
                }
            }
            // 2,000 plus or minus 5 standard deviations of 42.
            #expect((1788...2212).contains(sampled))
        }

        @Test func a_rate_is_not_exceeded_in_a_second() {
            let sampler = DivakSampler.rate(perSecond: 5)
            let began = ContinuousClock.now
            let sampled = (0..<1000).filter { _ in sampler.decide(DivakSamplingRequest()) == .sample }.count
            let seconds = 1 + Int((ContinuousClock.now - began).components.seconds)
            #expect(sampled >= 5)
            #expect(sampled <= 5 * (seconds + 1))
        }

        @Test func rules_decide_in_order_and_see_method_path_and_route() async throws {
            let sampler = DivakSampler.rules(
                [
                    DivakSamplingRule(path: "/favicon", then: .never),
                    DivakSamplingRule(method: "POST", path: "/orders", then: .custom { _ in .defer }),
                    DivakSamplingRule(method: "POST", then: .always),
                    DivakSamplingRule(kind: .server, route: "/users/{id}", then: .always),
                ],
                otherwise: .never
            )
            try await withTracer(configured(sampler)) { tracer, collector in
                func isSampled(_ kind: DivakKind, _ options: DivakStartOptions) -> Bool {
                    tracer.withSpan("request", kind: kind, parent: .newTrace, options: options) { $0.isSampled }
                }
                #expect(!isSampled(.server, DivakStartOptions(method: "POST", path: "/favicon.ico")))
                #expect(isSampled(.server, DivakStartOptions(method: "POST", path: "/orders/7")))
                #expect(isSampled(.server, DivakStartOptions(method: "GET", path: "/x", route: "/users/{id}")))
                #expect(!isSampled(.client, DivakStartOptions(method: "GET", path: "/x", route: "/users/{id}")))
                #expect(!isSampled(.server, DivakStartOptions(method: "post")))
                #expect(!isSampled(.server, DivakStartOptions()))
                let isSampled = await tracer.withSpan("async", options: DivakStartOptions(method: "POST")) { span in
                    await Task.yield()
                    return span.isSampled
                }
                #expect(isSampled)
            }
        }

        @Test func an_operation_has_the_rate_that_is_declared_for_it_by_text_and_by_key() async throws {
            let sampler = DivakSampler.operations(["kept": .always, "counted": .counting(10)], otherwise: .never)
            try await withTracer(configured(sampler)) { tracer, collector in
                for _ in 0..<100 {
                    tracer.withSpan("kept") { _ in }
                    tracer.withSpan(DivakKey("kept")) { _ in }
                    tracer.withSpan("counted") { _ in }
                    tracer.withSpan(DivakKey("other")) { _ in }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.named("kept").count == 200)
                #expect(spans.named("counted").count == 10)
                #expect(spans.count == 210)
            }
        }

        @Test func thousands_of_operations_have_samplers_of_their_own() async throws {
            let names = (0..<4096).map { "get /things/\($0)" }
            let samplers = names.enumerated().map { ($1, $0 % 2 == 0 ? DivakSampler.always : .never) }
            let sampler = DivakSampler.operations(Dictionary(uniqueKeysWithValues: samplers))
            try await withTracer(configured(sampler)) { tracer, collector in
                for name in names { tracer.withSpan(name) { _ in } }
                let kept = try await collector.spans(of: tracer).compactMap(\.name)
                #expect(Set(kept) == Set(stride(from: 0, to: 4096, by: 2).map { names[$0] }))
                #expect(kept.count == 2048)
            }
        }

        @Test func operations_that_are_too_many_or_have_no_name_for_c_are_refused_by_name() throws {
            let many = Dictionary(uniqueKeysWithValues: (0...4096).map { ("operation \($0)", DivakSampler.always) })
            #expect(throws: DivakError.self) { try DivakTracer(configured(.operations(many))) }
            let refused = [
                (many, "at most 4096 operations are accepted"),
                (["a\0b": .always], "a name holds a 0"),
                (["half": .probability(2)], "operation \"half\": probability(2.0): a number from 0 to 1 is accepted"),
            ]
            for (samplers, reason) in refused {
                do {
                    _ = try DivakTracer(configured(.operations(samplers)))
                    Issue.record("was accepted: \(reason)")
                } catch {
                    #expect(error.code == .invalid && "\(error)".contains(reason), "\(error)")
                }
            }
        }

        @Test(arguments: [false, true])
        func only_a_rule_that_may_override_changes_what_the_caller_decided(mayOverride: Bool) async throws {
            let rule = DivakSamplingRule(path: "/debug", mayOverride: mayOverride, then: .always)
            try await withTracer(configured(.rules([rule]))) { tracer, _ in
                let denied = tracer.extract(from: ["b3": "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0"])
                let options = DivakStartOptions(path: "/debug/1")
                tracer.withSpan("get", kind: .server, parent: denied, options: options) { span in
                    #expect(span.isSampled == mayOverride)
                    #expect(span.traceID == "80f198ee56343ba864fe8b2a57d3eff7")
                }
            }
        }

        @Test func a_sampler_of_ones_own_gets_all_that_is_known_and_is_asked_once_a_trace() async throws {
            let tally = Tally()
            let sampler = DivakSampler.custom { request in
                tally.add()
                let isRight =
                    request.name == "get" && request.kind == .client && request.method == "M" && request.path == "/p"
                    && request.route == "r" && request.traceIDLow != 0 && request.parent == nil
                return isRight ? .sample : .drop
            }
            try await withTracer(configured(sampler)) { tracer, collector in
                let options = DivakStartOptions(method: "M", path: "/p", route: "r")
                tracer.withSpan("get", kind: .client, options: options) { _ in
                    tracer.withSpan("child") { _ in }
                }
                let reported = try await collector.spans(of: tracer)
                #expect(reported.count == 2)
                #expect(tally.count == 1)
                tracer.withSpan("other") { #expect(!$0.isSampled) }
            }
        }

        @Test func a_sampler_lives_as_long_as_a_tracer_may_ask_it_and_no_longer() async throws {
            final class Owner: Sendable {
                let tally: Tally
                init(_ tally: Tally) { self.tally = tally }
                deinit { tally.add() }
            }
            let gone = Tally()
            func make() throws -> DivakTracer {
                let owner = Owner(gone)
                let custom = DivakSampler.custom { _ in owner.tally.count < 0 ? .drop : .sample }
                return try InMemoryCollector().makeTracer(configured(.rules([DivakSamplingRule(then: custom)])))
            }
            for _ in 0..<40 {
                let tracer = try make()
                for _ in 0..<10 { tracer.withSpan("root") { #expect($0.isSampled) } }
                try await tracer.shutdown()
            }
            // Each place keeps those of its last two tracers; there are 15 places, of which these took few.
            #expect(gone.count >= 8)
        }

        @Test func a_shared_sampler_counts_for_both_tracers_together() async throws {
            let sampler = DivakSampler.counting(50)
            try await withTracer(configured(sampler)) { first, one in
                try await withTracer(configured(sampler)) { second, two in
                    for _ in 0..<50 {
                        first.withSpan("a") { _ in }
                        second.withSpan("b") { _ in }
                    }
                    let spans = try await one.spans(of: first).count + two.spans(of: second).count
                    #expect(spans == 50)
                }
            }
        }

        @Test(arguments: [
            (DivakSampler.probability(1.5), "probability(1.5): a number from 0 to 1"),
            (.probability(.nan), "probability(nan)"),
            (.counting(101), "counting(101): a number from 0 to 100"),
            (.counting(-1), "counting(-1)"),
            (.rate(perSecond: -1), "rate(perSecond: -1): a number from 0 to 2147483648"),
            (.modulo(0), "modulo(0): 1 or more"),
            (.rules([], otherwise: .counting(200)), "counting(200)"),
            (.rules([DivakSamplingRule(name: "a", then: .modulo(0))]), "rule 1 of 1, name \"a\": modulo(0)"),
            (.rules([DivakSamplingRule(path: "a\0b", then: .never)]), "a text holds a 0"),
            (.rules(Array(repeating: DivakSamplingRule(then: .never), count: 65)), "at most 64 rules"),
            ((0..<9).reduce(.always) { sampler, _ in .rules([], otherwise: sampler) }, "at most 8 lists"),
        ])
        func a_sampler_out_of_range_is_refused_by_name_when_the_tracer_is_made(sampler: DivakSampler, words: String) {
            let error = #expect(throws: DivakError.self) { try InMemoryCollector().makeTracer(configured(sampler)) }
            #expect(error?.code == .invalid)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }
}
