// HTTPConnection.swift - a kept-alive HTTP/1.1 connection to loopback: as small as a demo may have it.
// SPDX-License-Identifier: Apache-2.0

import Dispatch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An answer with its whole body.
struct HTTPResponse: Sendable {
    let status: Int
    let text: String
}

/// One connection, opened when it is first needed and again after an error.
///
/// Unchecked, since the socket is touched on the connection's own queue only, which also keeps blocking calls away from
/// the threads of Swift's pool.
final class HTTPConnection: @unchecked Sendable {
    let port: UInt16
    private let queue = DispatchQueue(label: "demo-walk.connection")
    private var socket: Int32 = -1

    init(port: UInt16) {
        self.port = port
    }

    deinit {
        if socket >= 0 { close(socket) }
    }

    /// Asks for a path, already encoded.
    func get(_ path: String, headers: [(String, String)]) async throws -> HTTPResponse {
        var request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
        for (name, value) in headers { request += "\(name): \(value)\r\n" }
        request += "\r\n"
        return try await withCheckedThrowingContinuation { [request] answered in
            queue.async { answered.resume(with: Result { try self.exchange(request) }) }
        }
    }

    private func exchange(_ request: String) throws -> HTTPResponse {
        do {
            if socket < 0 { socket = try connected() }
            try write(Array(request.utf8))
            return try read()
        } catch {
            // Whatever is left in the connection belongs to nobody.
            if socket >= 0 { close(socket) }
            socket = -1
            throw error
        }
    }

    private func connected() throws -> Int32 {
        #if canImport(Glibc)
        let made = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        #elseif canImport(Musl)
        let made = Musl.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)
        #else
        let made = Darwin.socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard made >= 0 else { throw SystemError() }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(made, $0, size) }
        }
        guard status == 0 else {
            let error = SystemError()
            close(made)
            throw error
        }
        var on: Int32 = 1
        setsockopt(made, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return made
    }

    private func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                #if canImport(Darwin)
                send(socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, 0)
                #else
                send(socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError() }
            sent += count
        }
    }

    /// Reads one answer: a status line, headers with a Content-Length, and so many bytes.
    private func read() throws -> HTTPResponse {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        var headEnd: Int?
        while headEnd == nil {
            try receive(into: &bytes)
            headEnd = bytes.indices.first { bytes[$0...].starts(with: end) }
            if headEnd == nil, bytes.count > 16384 { throw Malformed(what: "headers over 16 KiB") }
        }
        guard let headEnd else { throw Malformed(what: "no headers") }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        let first = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard first.count >= 2, first[0] == "HTTP/1.1", let status = Int(first[1]) else {
            throw Malformed(what: "status line")
        }
        var length: Int?
        var isLast = false
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Malformed(what: "header \(line)") }
            let value = parts[1].drop { $0 == " " }
            if parts[0].lowercased() == "content-length" { length = Int(value) }
            if parts[0].lowercased() == "connection", value.lowercased() == "close" { isLast = true }
        }
        guard let length, (0...65536).contains(length) else { throw Malformed(what: "Content-Length") }
        let bodyStart = headEnd + end.count
        while bytes.count < bodyStart + length { try receive(into: &bytes) }
        guard bytes.count == bodyStart + length else { throw Malformed(what: "more bytes than announced") }
        if isLast {
            close(socket)
            socket = -1
        }
        let text = String(decoding: bytes[bodyStart...], as: UTF8.self)
        return HTTPResponse(status: status, text: text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }

    private func receive(into bytes: inout [UInt8]) throws {
        var count = 0
        repeat {
            count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
                let count = recv(socket, buffer.baseAddress, buffer.count, 0)
                if count > 0 { bytes += buffer[..<count] }
                return count
            }
        } while count < 0 && errno == EINTR
        if count < 0 { throw SystemError() }
        if count == 0 { throw Malformed(what: "connection closed early") }
    }
}

/// An answer that is not HTTP as this client knows it.
struct Malformed: Error, CustomStringConvertible {
    let what: String
    var description: String { "malformed answer: \(what)" }
}
