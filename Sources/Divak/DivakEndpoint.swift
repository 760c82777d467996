// DivakEndpoint.swift - a service and its address.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// A name and an address on the network: who was on the other side.
///
/// ```swift
/// span.setRemote(DivakEndpoint(service: "postgres", address: "192.0.2.7:5432"))
/// ```
///
/// What is not known is left out. Names of hosts are not looked up.
public struct DivakEndpoint {
    /// The name of the service, or nil.
    public var service: String?
    private var address = divak_endpoint()

    /// An endpoint of what is known.
    ///
    /// An `address` that ``setAddress(_:)`` would not take is left out.
    public init(service: String? = nil, address: String? = nil, port: UInt16 = 0) {
        self.service = service
        self.address.port = port
        if let address { setAddress(address) }
    }

    /// The port, 0 when it is not known.
    public var port: UInt16 {
        get { address.port }
        set { address.port = newValue }
    }

    /// Whether an address is known.
    public var hasAddress: Bool { address.has_ipv4 || address.has_ipv6 }

    /// Takes `192.0.2.1`, `2001:db8::1`, `192.0.2.1:80`, `[2001:db8::1]:80`, or the first in an `X-Forwarded-For`.
    ///
    /// Returns false, and changes nothing, for anything else. An IPv4 and an IPv6 address may be set one after the other.
    @discardableResult
    public mutating func setAddress(_ text: String) -> Bool {
        text.withBytes { divak_endpoint_set_address(&address, $0, $1) } == DIVAK_OK
    }

    /// Lends the endpoint to C, with its text.
    func withEndpoint<Result>(_ body: (UnsafePointer<divak_endpoint>) -> Result) -> Result {
        var endpoint = address
        guard let service else { return body(&endpoint) }
        return service.withBytes { bytes, count in
            endpoint.service = bytes
            endpoint.service_length = count
            return body(&endpoint)
        }
    }
}

// Unchecked, since the one pointer in `address`, that of the service's text, is set for the time of a call only.
extension DivakEndpoint: @unchecked Sendable {}
