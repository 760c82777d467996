// Bursts.swift - what is measured, each as a loop around one operation.
// SPDX-License-Identifier: Apache-2.0
//
// Never inlined, so that a loop is compiled by itself, and as a program that uses the library would be.

import CMeasure
import Divak
import InMemoryTracing
import Tracing

enum Bare {
    @TaskLocal static var number = 0
}

// MARK: - The limits

@inline(never) @Sendable
func bareBinding(_ count: Int) {
    for number in 0..<count {
        Bare.$number.withValue(number) { use(number) }
    }
}

@inline(never) @Sendable
func bareAsyncBinding(_ count: Int) async {
    for number in 0..<count {
        await Bare.$number.withValue(number) { await useLater(number) }
    }
}

@inline(never)
func useLater(_ number: Int) async {
    use(number)
}

// MARK: - Native

extension DivakTracer {
    @inline(never) @Sendable
    func spans(_ count: Int) {
        for number in 0..<count {
            withSpan("get") { _ in use(number) }
        }
    }

    @inline(never) @Sendable
    func spansWithTags(_ count: Int) {
        for number in 0..<count {
            withSpan("get") { span in
                span.tag("http.method", "GET")
                span.tag("http.path", "/users/:id")
                span.tag("http.status_code", number)
            }
        }
    }

    @inline(never) @Sendable
    func spansWithKeys(_ count: Int) {
        for number in 0..<count {
            withSpan(.get) { span in
                span.tag(.method, "GET")
                span.tag(.path, "/users/:id")
                span.tag(.status, number)
            }
        }
    }

    @inline(never) @Sendable
    func roots(_ count: Int) {
        for number in 0..<count {
            withSpan("get", parent: .newTrace) { span in
                span.tag("http.method", "GET")
                span.tag("http.path", "/users/:id")
                span.tag("http.status_code", number)
            }
        }
    }

    @inline(never) @Sendable
    func asyncSpans(_ count: Int) async {
        for number in 0..<count {
            await withSpan("get") { _ in await useLater(number) }
        }
    }

    @inline(never) @Sendable
    func asyncSpansWithTags(_ count: Int) async {
        for number in 0..<count {
            await withSpan("get") { span in
                span.tag("http.method", "GET")
                span.tag("http.path", "/users/:id")
                span.tag("http.status_code", number)
                await useLater(number)
            }
        }
    }

    @inline(never) @Sendable
    func spansByHand(_ count: Int) {
        for number in 0..<count {
            let span = startSpan("get")
            span.tag("http.method", "GET")
            span.tag("http.path", "/users/:id")
            span.tag("http.status_code", number)
            span.finish()
        }
    }
}

extension DivakKey {
    static let get = DivakKey("get")
    static let method = DivakKey("http.method")
    static let path = DivakKey("http.path")
    static let status = DivakKey("http.status_code")
}

// MARK: - By way of swift-distributed-tracing

@inline(never) @Sendable
func tracingSpans(_ tracer: some Tracer, _ count: Int) {
    for number in 0..<count {
        tracer.withSpan("get", ofKind: .internal) { span in
            span.attributes["http.request.method"] = "GET"
            span.attributes["url.path"] = "/users/:id"
            span.attributes["http.response.status_code"] = number & 63 + 200
        }
    }
}
