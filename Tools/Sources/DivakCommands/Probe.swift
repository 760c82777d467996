// SPDX-License-Identifier: Apache-2.0
// Probe.swift - looks a name up, knocks at a port, and hears what it speaks.

import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Host and port of an endpoint.
struct Address {
    let host: String
    let port: UInt16
    let isTLS: Bool

    /// Of what a setting says: a URL, or host and port alone.
    init?(_ endpoint: String) {
        let text = endpoint.contains("://") ? endpoint : "http://" + endpoint
        guard let url = URLComponents(string: text), let host = url.host, !host.isEmpty else { return nil }
        isTLS = url.scheme?.lowercased() == "https"
        // URLComponents keeps the brackets of IPv6.
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = UInt16(exactly: url.port ?? (isTLS ? 443 : 80)) ?? 0
    }

    var isLoopback: Bool { host == "localhost" || host.hasPrefix("127.") || host == "::1" }

    /// The variable that names a proxy for this endpoint; nil where the library goes there directly.
    func proxyVariable(_ environment: [String: String]) -> String? {
        guard !isLoopback else { return nil }
        let names = (isTLS ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]) + ["all_proxy", "ALL_PROXY"]
        return names.first { environment[$0]?.isEmpty == false }
    }

    var hintForName: String { "is \"\(host)\" spelled as in the DNS or in /etc/hosts of this machine?" }

    var hintForPort: String {
        isLoopback
            ? "nothing listens there; `divak collector` would"
            : "does the collector run, and does a firewall let this machine through?"
    }
}

enum Probe {
    /// An address that a name has.
    struct Found {
        let text: String
        let bytes: [UInt8]
        let family: Int32
    }

    /// All addresses of a name.
    static func resolve(_ host: String, _ port: UInt16) -> Result<[Found], CommandFailure> {
        var hints = addrinfo()
        hints.ai_socktype = stream
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0 else { return .failure(CommandFailure("\(host): \(String(cString: gai_strerror(status)))")) }
        defer { freeaddrinfo(list) }
        var found: [Found] = []
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            guard let address = info.ai_addr else { continue }
            var text = [CChar](repeating: 0, count: 64)
            guard getnameinfo(address, info.ai_addrlen, &text, 64, nil, 0, NI_NUMERICHOST) == 0 else { continue }
            let bytes = UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen))
            let words = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
            found.append(Found(text: words, bytes: Array(bytes), family: info.ai_family))
        }
        return found.isEmpty ? .failure(CommandFailure("\(host): no address")) : .success(found)
    }

    /// The first address that takes a connection within three seconds.
    static func connect(_ addresses: [Found]) -> Result<String, CommandFailure> {
        var last = CommandFailure("no address to connect to")
        for address in addresses {
            switch connect(address) {
            case nil: return .success(address.text)
            case let words?: last = CommandFailure("\(address.text): \(words)")
            }
        }
        return .failure(last)
    }

    /// What a port makes of HTTP without TLS.
    enum Greeting {
        case http, tls, other, silent
    }

    /// Asks the first address that takes a connection, and waits three seconds for the beginning of an answer; nil when
    /// none does.
    static func greeting(_ addresses: [Found]) -> Greeting? {
        for address in addresses {
            guard case .success(let file) = open(address) else { continue }
            defer { close(file) }
            let request = Array("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
            guard send(file, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return .other }
            var answer = [UInt8](repeating: 0, count: 16)
            guard wait(file, POLLIN) else { return .silent }
            let count = max(recv(file, &answer, answer.count, 0), 0)
            // An alert, or the beginning of a handshake.
            if count > 0, answer[0] == 0x15 || answer[0] == 0x16 { return .tls }
            return answer[..<count].starts(with: "HTTP/".utf8) ? .http : .other
        }
        return nil
    }

    /// Why an address takes no connection; nil when it does.
    private static func connect(_ address: Found) -> String? {
        switch open(address) {
        case .success(let file):
            close(file)
            return nil
        case .failure(let failure): return failure.description
        }
    }

    /// A connection, or why there is none.
    private static func open(_ address: Found) -> Result<Int32, CommandFailure> {
        let file = socket(address.family, stream, 0)
        guard file >= 0 else { return .failure(CommandFailure(words(errno))) }
        let problem = connect(file, address)
        guard let problem else { return .success(file) }
        close(file)
        return .failure(CommandFailure(problem))
    }

    private static func connect(_ file: Int32, _ address: Found) -> String? {
        guard fcntl(file, F_SETFL, O_NONBLOCK) == 0 else { return words(errno) }
        let status = address.bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                connectSocket(file, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            } ?? -1
        }
        if status == 0 { return nil }
        guard errno == EINPROGRESS else { return words(errno) }
        guard wait(file, POLLOUT) else { return "no answer in 3 s" }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size)
        return error == 0 ? nil : words(error)
    }

    /// Whether a connection is ready within three seconds.
    private static func wait(_ file: Int32, _ events: Int32) -> Bool {
        var ready = pollfd(fd: file, events: Int16(events), revents: 0)
        return poll(&ready, 1, 3000) == 1
    }

    private static func words(_ number: Int32) -> String { String(cString: strerror(number)) }

    #if canImport(Glibc)
    private static let stream = Int32(SOCK_STREAM.rawValue)
    #else
    private static let stream = SOCK_STREAM
    #endif
}

/// The system's `connect`, which the methods above hide.
private func connectSocket(_ file: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    connect(file, address, size)
}
