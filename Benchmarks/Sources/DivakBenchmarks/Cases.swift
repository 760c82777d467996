// Cases.swift - the tables.
// SPDX-License-Identifier: Apache-2.0

import Divak
import InMemoryTracing
import Tracing

func measureAll(_ tracer: DivakTracer, rounds: Int) async {
    print("### Native, in a trace that is sampled\n")
    Table.begin(limit: "binding")
    await tracer.withSpan("outer") { _ in
        for one in nativeCases(tracer) { await one.run(rounds) }
    }
    print("\n### Native, in a trace that is not sampled\n")
    Table.begin(limit: "binding")
    await tracer.withSpan("outer", parent: unsampled(tracer)) { _ in
        for one in nativeCases(tracer) { await one.run(rounds) }
    }
    print("\n### Native, inside of a span of swift-distributed-tracing\n")
    Table.begin(limit: "binding")
    await tracer.withSpan("outer", ofKind: .internal) { _ in
        for one in nativeCases(tracer).prefix(2) { await one.run(rounds) }
    }
    print("\n### Through swift-distributed-tracing, 3 attributes\n")
    Table.begin(limit: "NoOpTracer")
    await tracer.withSpan("outer", ofKind: .internal) { _ in
        for one in tracingCases(tracer) { await one.run(rounds) }
    }
}

func tracingCases(_ tracer: DivakTracer) -> [Case] {
    let nothing = NoOpTracer()
    let limit: @Sendable (Int) async -> Void = { tracingSpans(nothing, $0) }
    let memory = InMemoryTracer()
    return [
        Case("DivakTracer", goal: "1.7", limit: limit) { tracingSpans(tracer, $0) },
        Case("InMemoryTracer", limit: limit) { count in
            tracingSpans(memory, count)
            memory.clearAll()
        },
    ]
}

/// A caller that decided against sampling.
func unsampled(_ tracer: DivakTracer) -> DivakParent {
    tracer.extract(from: [("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0")])
}

extension Case {
    func run(_ rounds: Int) async {
        Table.row(name, await measure(rounds: rounds), goal: goal)
    }
}

func nativeCases(_ tracer: DivakTracer) -> [Case] {
    [
        Case("withSpan", limit: bareBinding, tracer.spans),
        Case("withSpan, 3 tags", goal: "3.2, 0 allocations", limit: bareBinding, tracer.spansWithTags),
        Case("withSpan, 3 tags, registered keys", limit: bareBinding, tracer.spansWithKeys),
        Case("withSpan, 3 tags, a new trace", limit: bareBinding, tracer.roots),
        Case("async withSpan", limit: bareAsyncBinding, tracer.asyncSpans),
        Case("async withSpan, 3 tags", limit: bareAsyncBinding, tracer.asyncSpansWithTags),
        Case("startSpan, 3 tags, finish", limit: bareBinding, tracer.spansByHand),
    ]
}
