// Cases.swift - the tables.
// SPDX-License-Identifier: Apache-2.0

import Divak
import InMemoryTracing
import Tracing

/// A table: what is measured, what is around it meanwhile, and what its rows are compared with.
struct Group {
    let heading: String
    let limit: String
    let cases: [Case]
    /// Runs the closure inside of what the cases find around them.
    let around: (() async -> Void) async -> Void
}

/// Measures the tables whose heading contains a text, and of these the rows whose name contains another.
func measureAll(_ tracer: DivakTracer, rounds: Int, heading: String, row: String) async {
    var isFirst = true
    for group in groups(tracer) where heading.isEmpty || group.heading.contains(heading) {
        print("\(isFirst ? "" : "\n")### \(group.heading)\n")
        isFirst = false
        Table.begin(limit: group.limit)
        await group.around {
            for one in group.cases where row.isEmpty || one.name.contains(row) {
                Table.row(one.name, await one.measure(tracer, rounds: rounds), goal: one.goal)
            }
        }
    }
}

func groups(_ tracer: DivakTracer) -> [Group] {
    [
        Group(heading: "Native, in a trace that is sampled", limit: "binding", cases: sampledCases(tracer)) { body in
            await tracer.withSpan("outer") { _ in await body() }
        },
        Group(heading: "Native, in a trace that is not sampled", limit: "binding", cases: unsampledCases(tracer)) {
            body in
            await tracer.withSpan("outer", parent: unsampled(tracer)) { _ in await body() }
        },
        Group(
            heading: "Native, inside of a span of swift-distributed-tracing, sampled",
            limit: "binding",
            cases: Array(sampledCases(tracer, goal: "4.5, 0 allocations").prefix(2))
        ) { body in
            await tracer.withSpan("outer", ofKind: .internal) { _ in await body() }
        },
        Group(
            heading: "Native, inside of a span of swift-distributed-tracing, not sampled",
            limit: "binding",
            cases: Array(unsampledCases(tracer, goal: "").prefix(2))
        ) { body in
            await tracer.withSpan("outer", parent: unsampled(tracer)) { _ in
                await tracer.withSpan("inner", ofKind: .internal) { _ in await body() }
            }
        },
        Group(
            heading: "Native, inside of such a span, whose context holds three other values",
            limit: "binding",
            cases: Array(sampledCases(tracer, goal: "4.5, 0 allocations").prefix(2))
        ) { body in
            await ServiceContext.withValue(othersValues()) {
                await tracer.withSpan("outer", ofKind: .internal) { _ in await body() }
            }
        },
        Group(heading: "Native, 2 tasks in parallel", limit: "alone", cases: parallelCases(tracer)) { body in
            await tracer.withSpan("outer") { _ in await body() }
        },
        Group(
            heading: "Through swift-distributed-tracing, 3 attributes",
            limit: "NoOpTracer",
            cases: tracingCases(tracer)
        ) { body in
            await tracer.withSpan("outer", ofKind: .internal) { _ in await body() }
        },
    ]
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

/// Each in two tasks at once, beside the same in one task.
func parallelCases(_ tracer: DivakTracer) -> [Case] {
    [
        Case("a bare binding", limit: bareBinding, bareBinding, tasks: 2),
        Case("withSpan, 3 tags", goal: "1.1", limit: tracer.spansWithTags, tracer.spansWithTags, tasks: 2),
        Case(
            "withSpan, 3 tags, registered keys",
            goal: "1.1",
            limit: tracer.spansWithKeys,
            tracer.spansWithKeys,
            tasks: 2
        ),
    ]
}

/// A context as frameworks and applications leave it.
func othersValues() -> ServiceContext {
    enum User: ServiceContextKey { typealias Value = String }
    enum Tenant: ServiceContextKey { typealias Value = Int }
    enum Deadline: ServiceContextKey { typealias Value = Double }
    var context = ServiceContext.topLevel
    context[User.self] = "ida"
    context[Tenant.self] = 7
    context[Deadline.self] = 1.5
    return context
}

/// A caller that decided against sampling.
func unsampled(_ tracer: DivakTracer) -> DivakParent {
    tracer.extract(from: [("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0")])
}

func sampledCases(_ tracer: DivakTracer, goal: String = "3.2, 0 allocations") -> [Case] {
    [
        Case("withSpan", limit: bareBinding, tracer.spans),
        Case("withSpan, 3 tags", goal: goal, limit: bareBinding, tracer.spansWithTags),
        Case("withSpan, 3 tags, registered keys", limit: bareBinding, tracer.spansWithKeys),
        Case("withSpan, 3 tags, a new trace", limit: bareBinding, tracer.roots),
        Case("async withSpan", limit: bareAsyncBinding, tracer.asyncSpans),
        Case("async withSpan, 3 tags", limit: bareAsyncBinding, tracer.asyncSpansWithTags),
        Case("startSpan, 3 tags, finish", limit: bareBinding, tracer.spansByHand),
    ]
}

func unsampledCases(_ tracer: DivakTracer, goal: String = "2.0, 0 allocations") -> [Case] {
    [
        Case("withSpan", limit: bareBinding, tracer.spans),
        Case("withSpan, 3 tags", goal: goal, limit: bareBinding, tracer.spansWithTags),
        Case("withSpan, 3 tags, registered keys", limit: bareBinding, tracer.spansWithKeys),
        Case("async withSpan", limit: bareAsyncBinding, tracer.asyncSpans),
        Case("async withSpan, 3 tags", limit: bareAsyncBinding, tracer.asyncSpansWithTags),
        Case("startSpan, 3 tags, finish", limit: bareBinding, tracer.spansByHand),
    ]
}
