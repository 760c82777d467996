// DivakClientInterceptor.swift - a client span around every call, and its ids in the metadata.
// SPDX-License-Identifier: Apache-2.0

#if GRPC
public import Divak
public import GRPCCore

/// Traces the calls that a client makes.
///
/// ```swift
/// let client = GRPCClient(
///     transport: transport,
///     interceptors: [DivakClientInterceptor(tracer, remoteService: "inventory")]
/// )
/// ```
///
/// Each call, unary or streaming, gets a span of kind client under the current one. Its name is that of the method,
/// `package.Service/Method`; tags are `rpc.service`, `rpc.method`, and for anything but OK `rpc.error_code` (as in
/// `UNAVAILABLE`) and `error`. It ends when the last of the response has been read: with the status, with an error, or
/// when the reader lets go of the response before its end, which cancels the call. Calls of interceptors that stand
/// behind this one, and the code that makes the messages, run with the span as the current one.
///
/// The ids go into the metadata in the formats that the tracer is configured for, under names in lower case, in place of
/// what was there. They go out for unsampled traces too.
@available(macOS 15.0, iOS 18.0, watchOS 11.0, tvOS 18.0, visionOS 2.0, *)
public struct DivakClientInterceptor: ClientInterceptor {
    private let tracer: DivakTracer
    private let remoteService: String?

    /// An interceptor for clients.
    ///
    /// - Parameters:
    ///   - tracer: What makes the spans.
    ///   - remoteService: The name of the service that is called, as it calls itself.
    public init(_ tracer: DivakTracer, remoteService: String? = nil) {
        self.tracer = tracer
        self.remoteService = remoteService
    }

    /// Calls the next interceptor with metadata that hold the ids.
    public func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingClientRequest<Input>,
        context: ClientContext,
        next: (StreamingClientRequest<Input>, ClientContext) async throws -> StreamingClientResponse<Output>
    ) async throws -> StreamingClientResponse<Output> {
        let span = tracer.startSpan(context.descriptor.fullyQualifiedMethod, kind: .client)
        let end = span.ending(whenForgotten: "The response was not read.")
        span.tagCall(context.descriptor)
        span.setRemote(DivakEndpoint(service: remoteService, peer: context.remotePeer))

        var request = request
        tracer.inject(span) { name, value in
            request.metadata.replaceOrAddString(value, forKey: name.lowercased())
        }
        var response: StreamingClientResponse<Output>
        do {
            response = try await span.withCurrent { try await next(request, context) }
        } catch {
            end.come(error)
            throw error
        }
        switch response.accepted {
        case .failure(let error):
            end.come(error)
        case .success(var contents):
            contents.bodyParts = RPCAsyncSequence(wrapping: TracedParts(parts: contents.bodyParts, end: end))
            response.accepted = .success(contents)
        }
        return response
    }
}

/// The parts of a response, whose end is the end of the call.
@available(macOS 15.0, iOS 18.0, watchOS 11.0, tvOS 18.0, visionOS 2.0, *)
private struct TracedParts<Part: Sendable>: AsyncSequence, Sendable {
    let parts: RPCAsyncSequence<Part, any Error>
    let end: Ending

    struct AsyncIterator: AsyncIteratorProtocol {
        var parts: RPCAsyncSequence<Part, any Error>.AsyncIterator
        let end: Ending

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> Part? {
            do {
                let part = try await parts.next(isolation: actor)
                if part == nil { end.come() }
                return part
            } catch {
                end.come(error)
                throw error
            }
        }

        mutating func next() async throws -> Part? { try await next(isolation: nil) }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(parts: parts.makeAsyncIterator(), end: end)
    }
}
#endif
