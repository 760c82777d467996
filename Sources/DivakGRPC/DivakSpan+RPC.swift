// DivakSpan+RPC.swift - what client and server say about a call in the same words.
// SPDX-License-Identifier: Apache-2.0

#if GRPC
import Divak
import GRPCCore

@available(macOS 15.0, iOS 18.0, watchOS 11.0, tvOS 18.0, visionOS 2.0, *)
extension DivakSpan {
    /// Says what is called.
    func tagCall(_ method: MethodDescriptor) {
        tag("rpc.service", method.service.fullyQualifiedService)
        tag("rpc.method", method.method)
    }

    /// The end of the call and its span.
    func ending(whenForgotten message: String) -> Ending {
        Ending(whenForgotten: RPCError(code: .cancelled, message: message)) { error in
            if let error { tagFailure(error) }
            finish()
        }
    }

    /// Says that the call failed, and with which status: what a service throws that has none of its own arrives as
    /// UNKNOWN.
    private func tagFailure(_ error: any Error) {
        guard isRecording else { return }
        let code: RPCError.Code
        let message: String
        switch error {
        case let error as RPCError: (code, message) = (error.code, error.message)
        case let error as any RPCErrorConvertible: (code, message) = (error.rpcErrorCode, error.rpcErrorMessage)
        case is CancellationError: (code, message) = (.cancelled, "")
        default: (code, message) = (.unknown, String(describing: error))
        }
        tag("rpc.error_code", code.name)
        recordError(message: message.isEmpty ? code.name : message)
    }
}

@available(macOS 15.0, iOS 18.0, watchOS 11.0, tvOS 18.0, visionOS 2.0, *)
extension RPCError.Code {
    /// The name that all languages share.
    fileprivate var name: String {
        Self.names.indices.contains(rawValue) ? Self.names[rawValue] : "\(rawValue)"
    }

    /// By number, as in the specification of gRPC.
    private static let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
}

extension DivakEndpoint {
    /// The endpoint of a peer as transports name it: `ipv4:192.0.2.1:443`, `ipv6:[2001:db8::1]:443`; others, as
    /// `unix:/run/socket`, have no address.
    init(service: String?, peer: String) {
        self.init(service: service)
        for scheme in ["ipv4:", "ipv6:"] where peer.hasPrefix(scheme) {
            setAddress(String(peer.dropFirst(scheme.count)))
        }
    }
}
#endif
