// LoopbackServer.swift - a small HTTP server on a free port of the loopback, and a client for it that is URLSession.
// SPDX-License-Identifier: Apache-2.0

import Divak
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Answers each connection with one response; keeps the heads that came.
final class LoopbackServer: @unchecked Sendable {
    let port: UInt16
    private let descriptor: Int32
    // Guards what came.
    private let lock = NSLock()
    private var received: [DivakHTTPRequest] = []
    private let answer: @Sendable (DivakHTTPRequest) -> String

    var url: String { "http://127.0.0.1:\(port)" }
    var requests: [DivakHTTPRequest] { lock.withLock { received } }

    /// Listens; `answer` gives the status line's end, such as `200 OK`.
    init(_ answer: @escaping @Sendable (DivakHTTPRequest) -> String = { _ in "200 OK" }) throws {
        self.answer = answer
        #if canImport(Glibc)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard bound, listen(descriptor, 16) == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        let thread = Thread { [self] in serve() }
        thread.start()
    }

    /// Stops listening, which ends the thread.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func serve() {
        while true {
            let connection = accept(descriptor, nil, nil)
            if connection < 0 { break }
            if let request = read(connection) {
                lock.withLock { received.append(request) }
                let text = "HTTP/1.1 \(answer(request))\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
                _ = text.withCString { send(connection, $0, strlen($0), 0) }
            }
            close(connection)
        }
        close(descriptor)
    }

    /// Reads a request to the end of its body, of which nothing is kept.
    private func read(_ connection: Int32) -> DivakHTTPRequest? {
        var bytes: [UInt8] = []
        while true {
            if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound {
                guard let request = parse(String(decoding: bytes[..<end], as: UTF8.self)) else { return nil }
                let length = request.values(of: "content-length").first.flatMap { Int($0) } ?? 0
                if bytes.count >= end + length { return request }
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
        }
    }

    private func parse(_ head: String) -> DivakHTTPRequest? {
        let lines = head.components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count == 3 else { return nil }
        let headers = lines.dropFirst().prefix { !$0.isEmpty }.map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
        }
        return DivakHTTPRequest(method: String(words[0]), url: String(words[1]), headers: headers)
    }
}

/// URLSession, as Divak sees it.
struct SessionTransport: DivakHTTPTransport {
    func send(_ request: DivakHTTPRequest, body: Data?) async throws -> HTTPURLResponse {
        guard let url = URL(string: request.url) else { throw URLError(.badURL) }
        var message = URLRequest(url: url)
        message.httpMethod = request.method
        message.httpBody = body
        for (name, value) in request.headers { message.addValue(value, forHTTPHeaderField: name) }
        let (_, response) = try await URLSession.shared.data(for: message)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return response
    }

    func head(of response: HTTPURLResponse) -> DivakHTTPResponse {
        DivakHTTPResponse(status: response.statusCode)
    }
}
