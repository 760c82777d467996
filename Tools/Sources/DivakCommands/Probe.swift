// SPDX-License-Identifier: Apache-2.0
// Probe.swift - looks a name up and knocks at a port.

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

    init?(_ endpoint: String) {
        guard let url = URLComponents(string: endpoint), let host = url.host, !host.isEmpty else { return nil }
        isTLS = url.scheme == "https"
        // URLComponents keeps the brackets of IPv6.
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = UInt16(exactly: url.port ?? (isTLS ? 443 : 80)) ?? 0
    }

    var isLoopback: Bool { host == "localhost" || host.hasPrefix("127.") || host == "::1" }
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

    /// Why an address takes no connection; nil when it does.
    private static func connect(_ address: Found) -> String? {
        let file = socket(address.family, stream, 0)
        guard file >= 0 else { return words(errno) }
        defer { close(file) }
        guard fcntl(file, F_SETFL, O_NONBLOCK) == 0 else { return words(errno) }
        let status = address.bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                connectSocket(file, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
            } ?? -1
        }
        if status == 0 { return nil }
        guard errno == EINPROGRESS else { return words(errno) }
        var wait = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        guard poll(&wait, 1, 3000) == 1 else { return "no answer in 3 s" }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size)
        return error == 0 ? nil : words(error)
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
