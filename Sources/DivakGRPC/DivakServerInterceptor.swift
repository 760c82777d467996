// DivakServerInterceptor.swift - a server span around every call, under the caller's.
// SPDX-License-Identifier: Apache-2.0

#if GRPC
public import Divak
public import GRPCCore

/// Traces the calls that a server answers.
///
/// ```swift
/// let server = GRPCServer(
///     transport: transport,
///     services: [Inventory()],
///     interceptors: [DivakServerInterceptor(tracer)]
/// )
/// ```
///
/// Each call, unary or streaming, gets a span of kind server, in the trace that the metadata name. Name and tags are as
/// in ``DivakClientInterceptor``. The span is current while the service runs, also while it writes a stream of messages,
/// and ends when the last of them is written.
@available(macOS 15.0, iOS 18.0, watchOS 11.0, tvOS 18.0, visionOS 2.0, *)
public struct DivakServerInterceptor: ServerInterceptor {
    private let tracer: DivakTracer

    /// An interceptor for servers.
    public init(_ tracer: DivakTracer) {
        self.tracer = tracer
    }

    /// Calls the next interceptor, or the service, under a span.
    public func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let parent = tracer.extract { name in Array(request.metadata[stringValues: name]) }
        let span = tracer.startSpan(context.descriptor.fullyQualifiedMethod, kind: .server, parent: parent)
        let end = span.ending(whenForgotten: "The response was not sent.")
        span.tagCall(context.descriptor)
        span.setRemote(DivakEndpoint(service: nil, peer: context.remotePeer))

        var response: StreamingServerResponse<Output>
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
            let produce = contents.producer
            contents.producer = { writer in
                do {
                    let trailers = try await span.withCurrent { try await produce(writer) }
                    end.come()
                    return trailers
                } catch {
                    end.come(error)
                    throw error
                }
            }
            response.accepted = .success(contents)
        }
        return response
    }
}
#endif
