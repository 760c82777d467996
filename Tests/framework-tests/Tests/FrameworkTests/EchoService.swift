// EchoService.swift - a gRPC service of texts, its client, and both over loopback.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakGRPC
import DivakTesting
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Testing

/// Texts as UTF-8: enough of a wire format for a test.
struct TextCoder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: String) throws -> Bytes { Bytes(message.utf8) }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> String {
        bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// Answers each text with itself and the span that was current; some texts have effects.
struct EchoService: RegistrableRPCService {
    static let name = ServiceDescriptor(fullyQualifiedService: "test.Echo")

    let tracer: DivakTracer
    /// Metadata that came with the last call.
    let seen = Seen()

    actor Seen {
        var metadata = Metadata()
        func note(_ metadata: Metadata) { self.metadata = metadata }
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: MethodDescriptor(service: Self.name, method: "Echo"),
            deserializer: TextCoder(),
            serializer: TextCoder()
        ) { request, _ in
            await seen.note(request.metadata)
            return StreamingServerResponse { writer in
                for try await text in request.messages {
                    switch text {
                    case "unavailable": throw RPCError(code: .unavailable, message: "closed for today")
                    case "crash": throw Crash()
                    default: break
                    }
                    try await tracer.withSpan("work") { _ in try await writer.write(text) }
                }
                return [:]
            }
        }
        router.registerHandler(
            forMethod: MethodDescriptor(service: Self.name, method: "Refuse"),
            deserializer: TextCoder(),
            serializer: TextCoder()
        ) { (_: StreamingServerRequest<String>, _) -> StreamingServerResponse<String> in
            throw RPCError(code: .permissionDenied, message: "")
        }
    }

    struct Crash: Error, CustomStringConvertible {
        let description = "crashed"
    }
}

/// The service and a client of it, both traced.
struct Echo: Sendable {
    let client: GRPCClient<HTTP2ClientTransport.Posix>
    let service: EchoService
    let port: Int

    static func run(
        _ tracer: DivakTracer,
        _ body: @Sendable @escaping (Echo) async throws -> Void
    ) async throws {
        let service = EchoService(tracer: tracer)
        try await withGRPCServer(
            transport: .http2NIOPosix(address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext),
            services: [service],
            interceptors: [DivakServerInterceptor(tracer)]
        ) { server in
            let port = try #require(try await server.listeningAddress?.ipv4?.port)
            try await withGRPCClient(
                transport: try .http2NIOPosix(
                    target: .ipv4(address: "127.0.0.1", port: port),
                    transportSecurity: .plaintext
                ),
                interceptors: [DivakClientInterceptor(tracer, remoteService: "echo")]
            ) { client in
                try await body(Echo(client: client, service: service, port: port))
            }
        }
    }

    private static func method(_ name: String) -> MethodDescriptor {
        MethodDescriptor(service: EchoService.name, method: name)
    }

    func unary(_ text: String, method: String = "Echo", metadata: Metadata = [:]) async throws -> String {
        try await client.unary(
            request: ClientRequest(message: text, metadata: metadata),
            descriptor: Self.method(method),
            serializer: TextCoder(),
            deserializer: TextCoder(),
            options: .defaults
        ) { try $0.message }
    }

    func clientStreaming(_ texts: [String]) async throws -> String {
        try await client.clientStreaming(
            request: StreamingClientRequest { writer in try await writer.write(contentsOf: texts) },
            descriptor: Self.method("Echo"),
            serializer: TextCoder(),
            deserializer: TextCoder(),
            options: .defaults
        ) { try $0.message }
    }

    func serverStreaming(_ text: String) async throws -> [String] {
        try await client.serverStreaming(
            request: ClientRequest(message: text),
            descriptor: Self.method("Echo"),
            serializer: TextCoder(),
            deserializer: TextCoder(),
            options: .defaults
        ) { response in
            var all: [String] = []
            for try await text in response.messages { all.append(text) }
            return all
        }
    }

    /// Sends a text when the last one has come back; stops reading after `limit`.
    func bidirectional(_ texts: [String], limit: Int = .max) async throws -> [String] {
        try await client.bidirectionalStreaming(
            request: StreamingClientRequest { writer in try await writer.write(contentsOf: texts) },
            descriptor: Self.method("Echo"),
            serializer: TextCoder(),
            deserializer: TextCoder(),
            options: .defaults
        ) { response in
            var all: [String] = []
            guard limit > 0 else { return all }
            for try await text in response.messages {
                all.append(text)
                if all.count == limit { break }
            }
            return all
        }
    }
}

extension Echo {
    /// Calls the service without an interceptor.
    static func untraced(
        port: Int,
        _ body: @Sendable (_ unary: @Sendable (String) async throws -> String) async throws -> Void
    ) async throws {
        try await withGRPCClient(
            transport: try .http2NIOPosix(
                target: .ipv4(address: "127.0.0.1", port: port),
                transportSecurity: .plaintext
            )
        ) { client in
            try await body { text in
                try await client.unary(
                    request: ClientRequest(message: text),
                    descriptor: method("Echo"),
                    serializer: TextCoder(),
                    deserializer: TextCoder(),
                    options: .defaults
                ) { try $0.message }
            }
        }
    }
}
