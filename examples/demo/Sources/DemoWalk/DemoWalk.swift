// DemoWalk.swift - demo-walk: walks folders and asks demo-hash for a checksum of each file, in one trace.
// SPDX-License-Identifier: Apache-2.0
//
//     demo-walk PORT NAME=FOLDER...
//
// PORT is demo-hash's, on loopback; NAME is what demo-hash calls the folder. The last line is "trace ID".

import Divak

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@main
struct DemoWalk {
    static func main() async {
        let roots = CommandLine.arguments.dropFirst(2).compactMap(Root.init)
        guard roots.count == CommandLine.arguments.count - 2, !roots.isEmpty,
            let port = UInt16(CommandLine.arguments[1])
        else {
            complain("usage: demo-walk PORT NAME=FOLDER...")
            exit(2)
        }
        do {
            var configuration = DivakConfiguration(serviceName: "demo-walk")
            configuration.serviceAddress = "127.0.0.1"
            let tracer = try DivakTracer(configuration)
            let traceID = await walk(roots, port, tracer)
            // Everything has arrived when this returns; if not, it says so.
            try await tracer.shutdown(timeout: .seconds(5))
            let statistics = tracer.statistics
            print("demo-walk: \(statistics.delivered) of \(statistics.started) spans delivered")
            print("trace \(traceID)")
        } catch {
            complain("demo-walk: \(error)")
            exit(1)
        }
    }

    /// Walks all roots under one span, which carries the totals; gives the trace's id.
    private static func walk(_ roots: [Root], _ port: UInt16, _ tracer: DivakTracer) async -> String {
        await tracer.withSpan("walk", parent: .newTrace) { span in
            let walker = Walker(tracer: tracer, port: port)
            var totals = Totals()
            for root in roots { totals += await walker.walk(folder: root.folder, as: root.name) }
            span.tag("files", totals.files)
            span.tag("bytes", totals.bytes)
            span.tag("errors", totals.errors)
            print("demo-walk: \(totals.files) files, \(totals.bytes) bytes, \(totals.errors) could not be read")
            return span.traceID
        }
    }
}

/// A folder and the name that the server knows it by.
struct Root {
    let name: String
    let folder: String

    init?(_ argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        folder = String(argument[argument.index(after: equals)...])
    }
}

func complain(_ message: String) {
    let bytes = Array("\(message)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}
