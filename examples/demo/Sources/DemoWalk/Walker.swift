// Walker.swift - the walk: a span for each folder, and below it one for each request.
// SPDX-License-Identifier: Apache-2.0

import Divak

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What was found below a folder.
struct Totals: Sendable {
    var files = 0
    var bytes = 0
    var errors = 0

    static func += (left: inout Totals, right: Totals) {
        left.files += right.files
        left.bytes += right.bytes
        left.errors += right.errors
    }
}

/// Walks folders; the files of one folder are asked for over several connections at once.
struct Walker: Sendable {
    /// What holds other people's files, or those that building makes.
    private static let skipped: Set<String> = [".git", "build", ".build"]

    private let tracer: DivakTracer
    private let connections: [HTTPConnection]

    init(tracer: DivakTracer, port: UInt16) {
        self.tracer = tracer
        connections = (0..<4).map { _ in HTTPConnection(port: port) }
    }

    /// Walks a folder and those in it; `name` is its path as the server knows it.
    func walk(folder: String, as name: String) async -> Totals {
        await tracer.withSpan("folder") { span in
            span.tag("folder", name)
            var totals = Totals()
            let (files, folders): ([String], [String])
            do {
                (files, folders) = try list(folder)
            } catch {
                span.recordError(error)
                totals.errors += 1
                return totals
            }
            totals += await checksums(of: files.map { "\(name)/\($0)" })
            for child in folders { totals += await walk(folder: "\(folder)/\(child)", as: "\(name)/\(child)") }
            span.tag("files", totals.files)
            return totals
        }
    }

    /// Shares files out to the connections; the tasks inherit the folder's span as their parent.
    private func checksums(of files: [String]) async -> Totals {
        await withTaskGroup(of: Totals.self) { group in
            for (index, connection) in connections.enumerated() where index < files.count {
                group.addTask {
                    var totals = Totals()
                    for file in stride(from: index, to: files.count, by: connections.count) {
                        totals += await checksum(of: files[file], over: connection)
                    }
                    return totals
                }
            }
            return await group.reduce(into: Totals()) { $0 += $1 }
        }
    }

    /// Asks for one checksum.
    ///
    /// What goes wrong is in the trace, and counted; the walk goes on.
    private func checksum(of file: String, over connection: HTTPConnection) async -> Totals {
        do {
            let bytes = try await tracer.withSpan("get /checksum", kind: .client) { span in
                span.tag("file", file)
                span.setRemote(DivakEndpoint(service: "demo-hash", address: "127.0.0.1", port: connection.port))
                var headers: [(String, String)] = []
                tracer.inject(span, into: &headers)
                let response = try await connection.get("/checksum/\(encoded(file))", headers: headers)
                span.tag("http.status_code", response.status)
                guard response.status == 200 else { throw Refusal(status: response.status, text: response.text) }
                return try parse(response.text)
            }
            return Totals(files: 1, bytes: bytes, errors: 0)
        } catch {
            return Totals(files: 1, bytes: 0, errors: 1)
        }
    }

    /// The bytes out of "CHECKSUM BYTES".
    private func parse(_ text: String) throws -> Int {
        let parts = text.split(separator: " ")
        guard parts.count == 2, parts[0].utf8.count == 16, let bytes = Int(parts[1]) else {
            throw Refusal(status: 200, text: "not understood: \(text)")
        }
        return bytes
    }

    /// Percent-encodes what a path may not hold.
    private func encoded(_ path: String) -> String {
        var encoded = ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
        }
        return encoded
    }
}

/// A status that is no success.
struct Refusal: Error, CustomStringConvertible {
    let status: Int
    let text: String
    var description: String { "\(status) \(text)" }
}

/// An error number of the system.
struct SystemError: Error, CustomStringConvertible {
    let number = errno
    var description: String { String(cString: strerror(number)) }
}

extension Walker {
    /// What is in a folder, sorted: files, links and the like, and folders.
    private func list(_ folder: String) throws -> (files: [String], folders: [String]) {
        guard let stream = opendir(folder) else { throw SystemError() }
        defer { closedir(stream) }
        var (files, folders): ([String], [String]) = ([], [])
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != "..", !Self.skipped.contains(name) else { continue }
            var facts = stat()
            guard lstat("\(folder)/\(name)", &facts) == 0 else { continue }
            // A link may point anywhere or nowhere: it is asked for like a file, not followed here.
            if facts.st_mode & S_IFMT == S_IFDIR { folders.append(name) } else { files.append(name) }
        }
        return (files.sorted(), folders.sorted())
    }
}
