// EndpointSupply.swift - a closure that says where the collector is by now, in a form that C can ask.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// Asked by the flusher's thread alone; kept by the tracer's attachments for as long as that may be.
package final class EndpointSupply: Sendable {
    private let endpoint: @Sendable () throws -> String?

    init(_ endpoint: @escaping @Sendable () throws -> String?) {
        self.endpoint = endpoint
    }

    func add(to configuration: OpaquePointer) -> Int32 {
        divak_config_add_supplied_reporter(configuration, Self.supply, Unmanaged.passUnretained(self).toOpaque())
    }

    private static let supply: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, Int) -> Int32 = {
        context,
        out,
        capacity in
        guard let context, let out else { return Int32(DIVAK_ERROR_INVALID) }
        do {
            let supply = Unmanaged<EndpointSupply>.fromOpaque(context).takeUnretainedValue()
            guard let text = try supply.endpoint() else { return Int32(DIVAK_ABSENT) }
            // C would read it up to its first 0 only, and take what is left for the whole.
            guard text.utf8.count < capacity, !text.utf8.contains(0) else { return Int32(DIVAK_ERROR_INVALID) }
            for (place, byte) in text.utf8.enumerated() { out[place] = CChar(bitPattern: byte) }
            out[text.utf8.count] = 0
            return Int32(DIVAK_OK)
        } catch {
            return Int32(DIVAK_ERROR_SYSTEM)
        }
    }
}
