// main.swift - a Swift program with a core of its own that calls a C library with another one, one scenario a run.
// SPDX-License-Identifier: Apache-2.0
//
//     two_copies SCENARIO SWIFT-RATE PEER-RATE LIBRARY
//
// LIBRARY is libpeer.so, which the program finds loaded, or loads when its own tracer is there already. What the spans
// must look like is said in run.py; what only the process sees is checked here.

import Divak
import Glibc
import Tracing

nonisolated(unsafe) var failures = 0

func say(_ text: String) {
    let line = text + "\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
}

func check(_ holds: Bool, _ claim: String) {
    if holds { return }
    failures += 1
    say("does not hold: \(claim)")
}

/// The functions of the C library, looked up by name.
struct Peer: @unchecked Sendable {  // pointers that are written once, before any other thread is there
    let handle: UnsafeMutableRawPointer

    init(_ path: String) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            say(String(cString: dlerror()))
            exit(2)
        }
        self.handle = handle
    }

    func function<Function>(_ name: String, _: Function.Type) -> Function {
        guard let address = dlsym(handle, name) else {
            say("no \(name)")
            exit(2)
        }
        return unsafeBitCast(address, to: Function.self)
    }

    typealias Body = @convention(c) (UnsafeMutableRawPointer?) -> Void
    typealias Named = @convention(c) (UnsafePointer<CChar>, Body?, UnsafeMutableRawPointer?) -> Void
    typealias Carrying =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>, Body?, UnsafeMutableRawPointer?
        ) -> Void

    /// Lends C a closure for the time of a call.
    func lend<Result>(_ body: () -> Void, _ use: (@escaping Body, UnsafeMutableRawPointer) -> Result) -> Result {
        withoutActuallyEscaping(body) { body in
            var kept = body
            return withUnsafeMutablePointer(to: &kept) {
                use({ $0?.assumingMemoryBound(to: (() -> Void).self).pointee() }, UnsafeMutableRawPointer($0))
            }
        }
    }

    func start(_ rate: String) {
        let status = function("peer_start", (@convention(c) (UnsafePointer<CChar>) -> Int32).self)(rate)
        check(status == 0, "the library has a tracer")
    }

    func span(_ name: String, _ body: () -> Void = {}) {
        lend(body) { function("peer_span", Named.self)(name, $0, $1) }
    }

    func debugSpan(_ name: String, _ body: () -> Void) {
        lend(body) { function("peer_debug_span", Named.self)(name, $0, $1) }
    }

    func span(_ name: String, with field: String, _ value: String, _ body: () -> Void) {
        lend(body) { function("peer_span_with_baggage", Carrying.self)(name, field, value, $0, $1) }
    }

    func cleared(_ body: () -> Void) {
        lend(body) { function("peer_cleared", (@convention(c) (Body?, UnsafeMutableRawPointer?) -> Void).self)($0, $1) }
    }

    func many(_ count: Int32) {
        function("peer_many", (@convention(c) (Int32) -> Void).self)(count)
    }

    func tagCurrent() -> Int32 {
        function("peer_tag_current", (@convention(c) () -> Int32).self)()
    }

    func misuse() -> Int32 {
        function("peer_misuse", (@convention(c) () -> Int32).self)()
    }

    func fork(_ body: () -> Void) -> Int32 {
        lend(body) { function("peer_fork", (@convention(c) (Body?, UnsafeMutableRawPointer?) -> Int32).self)($0, $1) }
    }

    func text(_ function: String, _ name: String) -> String? {
        typealias Read = @convention(c) (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>, Int) -> Bool
        var bytes = [CChar](repeating: 0, count: 256)
        guard self.function(function, Read.self)(name, &bytes, bytes.count) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    func baggage(_ name: String) -> String? { text("peer_baggage", name) }
    func header(_ name: String) -> String? { text("peer_header", name) }

    func stop(misuses: UInt64 = 0) {
        let status = function("peer_stop", (@convention(c) (UInt64) -> Int32).self)(misuses)
        check(status == 0, "the library's accounts are exact, and everything was delivered")
    }
}

let arguments = CommandLine.arguments
let scenario = arguments[1]

var configuration = DivakConfiguration(serviceName: "swift", sampleRate: Double(arguments[2]))
configuration.baggageFields = ["tenant", "user", .local("secret")]
configuration.propagation = [.b3, .tracecontext, .baggage]
let tracer = try DivakTracer(configuration)

/// Through swift-distributed-tracing, as a framework would.
func traced<T: Tracer>(_ tracer: T, _ name: String, _ body: () -> Void) {
    tracer.withSpan(name, ofKind: .internal) { _ in body() }
}

/// Another thread of the pool, most likely; the task is the same.
func hop() async {
    for _ in 0..<3 { try? await Task.sleep(for: .milliseconds(2)) }
}

func nested(_ peer: Peer) {
    tracer.withSpan("s1") { _ in
        peer.span("c1") {
            tracer.withSpan("s2") { _ in
                peer.span("c2") { tracer.withSpan("s3") { _ in peer.span("c3") } }
                tracer.withSpan("s4") { _ in }
            }
            peer.span("c4")
        }
        tracer.withSpan("s5") { _ in peer.span("c5") }
    }
    peer.span("c6") { tracer.withSpan("s6") { _ in } }
    tracer.withSpan("s7") { _ in peer.cleared { tracer.withSpan("s8") { _ in peer.span("c8") } } }
}

func contexts(_ peer: Peer) {
    traced(tracer, "t1") {
        peer.span("c1") {
            traced(tracer, "t2") { peer.span("c2") { tracer.withSpan("s3") { _ in peer.span("c3") } } }
            tracer.withSpan("s4") { _ in traced(tracer, "t4") { peer.span("c4") } }
        }
        peer.span("c5")
    }
    peer.span("c6") { traced(tracer, "t6") { peer.span("c7") } }
}

func tasks(_ peer: Peer) async {
    await tracer.withSpan("s1") { _ in
        await hop()
        peer.span("c1") { tracer.withSpan("s2") { _ in peer.span("c2") } }
        await withTaskGroup(of: Void.self) { group in
            for i in 3...6 {
                group.addTask {
                    await tracer.withSpan("s\(i)") { _ in
                        await hop()
                        peer.span("c\(i)")
                        await hop()
                        peer.span("d\(i)") { tracer.withSpan("e\(i)") { _ in } }
                    }
                }
            }
        }
        await Task.detached { peer.span("alone") }.value
    }
    peer.span("after")
}

func baggage(_ peer: Peer) throws {
    var span = tracer.startSpan("s1")
    try span.setBaggage("tenant", "acme")
    try span.setBaggage("color", "light blue")
    try span.setBaggage("secret", "hidden")
    span.withCurrent {
        check(peer.baggage("tenant") == "acme", "C reads a field of the Swift span that is current")
        check(peer.header("tenant") == "acme", "C writes the field of the Swift span that is current")
        peer.span("c1") {
            check(peer.baggage("tenant") == "acme", "a C span under a Swift span has its field")
            check(peer.baggage("color") == "light blue", "a C span under a Swift span has its member of W3C baggage")
            check(peer.baggage("secret") == nil, "a local field stays in its copy")
            check(peer.header("tenant") == "acme", "C writes the field of its own span")
            tracer.withSpan("s2") { inner in
                check(inner.baggage("tenant") == "acme", "a Swift span under that C span has the field")
                check(inner.baggage("color") == "light blue", "a Swift span under that C span has the member")
            }
        }
    }
    span.finish()
    peer.span("c2", with: "user", "ada") {
        check(DivakSpan.current?.baggage("user") == "ada", "Swift reads a field of the C span that is current")
        tracer.withSpan("s3") { inner in
            check(inner.baggage("user") == "ada", "a Swift span under a C span has its field")
            var headers: [String: String] = [:]
            tracer.inject(into: &headers)
            check(headers["user"] == "ada", "Swift writes the field that came from C")
        }
        var headers: [String: String] = [:]
        tracer.inject(into: &headers)
        check(headers["user"] == "ada", "Swift writes the field of the C span that is current")
    }
    tracer.withSpan("s4") { inner in
        check(inner.baggage("user") == nil, "nothing of it is left after")
        check(peer.baggage("user") == nil, "nothing of it is left in C after")
    }
    // Held by nobody once the spans have ended: more of them than a table has entries.
    for _ in 0..<5_000 {
        peer.span("c5", with: "user", "ada") {
            tracer.withSpan("s5") { inner in check(inner.baggage("user") == "ada", "baggage is let go of") }
        }
    }
}

func misuse(_ peer: Peer) {
    tracer.withSpan("s1") { _ in
        check(peer.misuse() == 0, "scopes that are closed out of order or twice are refused")
        check(peer.tagCurrent() == -12, "a span of another copy is not recording here")
        peer.span("c1") { DivakSpan.current?.tag("from", "swift") }
    }
}

func forked(_ peer: Peer) {
    tracer.withSpan("s1") { _ in
        let status = peer.fork {
            tracer.withSpan("s2") { _ in peer.span("c2") { tracer.withSpan("s3") { _ in } } }
            peer.many(50)
        }
        check(status == 0, "the forked child exits with 0 (\(status))")
        peer.span("c1")
        peer.many(50)
    }
}

func many(_ peer: Peer) async {
    await tracer.withSpan("s1") { _ in
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<20 {
                        peer.many(50)
                        for _ in 0..<50 { tracer.withSpan("many") { _ in } }
                    }
                }
            }
        }
    }
}

/// Loads the library under a span, and lets go of it.
func loaded() {
    tracer.withSpan("s1") { _ in
        let peer = Peer(arguments[4])
        peer.start(arguments[3])
        peer.span("c1") { tracer.withSpan("s2") { _ in } }
        check(dlclose(peer.handle) == 0, "the library can be let go of")
        tracer.withSpan("s3") { _ in }
    }
}

if scenario == "dlclose" {
    loaded()
    exit(failures == 0 ? 0 : 1)
}
let peer = Peer(arguments[4])
peer.start(arguments[3])
switch scenario {
case "nested": nested(peer)
case "contexts": contexts(peer)
case "tasks": await tasks(peer)
case "debug": peer.debugSpan("c1") { tracer.withSpan("s1") { _ in peer.span("c2") } }
case "baggage": try baggage(peer)
case "misuse": misuse(peer)
case "fork": forked(peer)
case "many": await many(peer)
case "exit":
    nested(peer)
    exit(0)  // what waits is sent by the hooks of both copies
default:
    say("no scenario \(scenario)")
    exit(2)
}
peer.stop(misuses: scenario == "misuse" ? 2 : 0)
try await tracer.shutdown(timeout: .seconds(5))
let statistics = tracer.statistics
check(statistics.isBalanced && statistics.delivered == statistics.started, "Swift's accounts are exact")
exit(failures == 0 ? 0 : 1)
