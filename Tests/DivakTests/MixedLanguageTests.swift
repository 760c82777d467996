// MixedLanguageTests.swift - one notion of "current" for Swift and C on the same thread.
// SPDX-License-Identifier: Apache-2.0

import CDivak
import Divak
import DivakTesting
import Testing

/// Runs a closure inside of a C span with a C scope, as a C library that calls back would.
private func withCSpan(_ name: StaticString, _ body: (divak_span) -> Void) {
    var (span, scope) = (divak_span(), divak_scope())
    name.withUTF8Buffer { bytes in
        bytes.withMemoryRebound(to: CChar.self) { bytes in
            _ = divak_span_start(
                divak_tracer_current(),
                bytes.baseAddress,
                bytes.count,
                divak_kind(DIVAK_KIND_LOCAL),
                nil,
                &span
            )
        }
    }
    divak_scope_open(&span, &scope)
    body(span)
    #expect(divak_scope_close(&scope) == DIVAK_OK)
    divak_span_finish(&span)
}

private func text(_ id: UInt64) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

extension Everything {
    @Suite struct MixedLanguageTests {
        @Test func c_finds_the_span_of_the_swift_task() async throws {
            try await withTracer { tracer, _ in
                await tracer.withSpan("swift") { swift in
                    await Task.yield()
                    var found = divak_span()
                    #expect(divak_current(&found) == DIVAK_OK)
                    #expect(text(found.span_id) == swift.spanID)
                    withCSpan("c") { c in #expect(text(c.parent_id) == swift.spanID) }
                }
                var found = divak_span()
                #expect(divak_current(&found) == DIVAK_ABSENT)
            }
        }

        @Test func swift_finds_the_scope_of_c_also_inside_of_a_swift_one() async throws {
            try await withTracer { tracer, _ in
                withCSpan("c alone") { c in
                    #expect(DivakSpan.current?.spanID == text(c.span_id))
                    tracer.withSpan("swift in c") { #expect($0.parentID == text(c.span_id)) }
                }
                tracer.withSpan("swift") { swift in
                    withCSpan("c in swift") { c in
                        #expect(text(c.parent_id) == swift.spanID)
                        tracer.withSpan("swift in c in swift") { inner in
                            #expect(inner.parentID == text(c.span_id))
                            #expect(DivakSpan.current == inner)
                            withCSpan("c innermost") { #expect(text($0.parent_id) == inner.spanID) }
                            #expect(DivakSpan.current == inner)
                        }
                        #expect(DivakSpan.current?.spanID == text(c.span_id))
                    }
                    #expect(DivakSpan.current == swift)
                }
                #expect(DivakSpan.current == nil)
                #expect(tracer.statistics.scopeMisuses == 0)
            }
        }

        @Test func a_swift_scope_inside_of_a_c_scope_of_the_same_span_is_the_inner_one() async throws {
            try await withTracer { tracer, _ in
                tracer.withSpan("swift") { _ in
                    var (same, scope) = (divak_span(), divak_scope())
                    divak_current(&same)
                    divak_scope_open(&same, &scope)
                    tracer.withSpan("inner") { inner in
                        withCSpan("c") { #expect(text($0.parent_id) == inner.spanID) }
                    }
                    #expect(divak_scope_close(&scope) == DIVAK_OK)
                }
            }
        }

        @Test func a_task_made_within_a_c_scope_does_not_see_it() async throws {
            try await withTracer { tracer, _ in
                await tracer.withSpan("swift") { swift in
                    var task: Task<DivakSpan?, Never>?
                    withCSpan("c") { _ in task = Task.detached { DivakSpan.current } }
                    #expect(await task?.value == .some(nil))
                    withCSpan("c") { _ in task = Task { DivakSpan.current } }
                    #expect(await task?.value == swift)
                }
            }
        }
    }
}
