// PhaseDelegate.swift - notes on a span how far its request has come.
// SPDX-License-Identifier: Apache-2.0

#if AsyncHTTPClient
import AsyncHTTPClient
import Divak
import NIOCore
import NIOHTTP1

/// Gathers a response as the client does by itself, and notes the phases on the way.
final class PhaseDelegate: HTTPClientResponseDelegate {
    typealias Response = HTTPClient.Response

    private let base: ResponseAccumulator
    private let span: DivakSpan

    init(request: HTTPClient.Request, span: DivakSpan) {
        base = ResponseAccumulator(request: request)
        self.span = span
    }

    func didSendRequestHead(task: HTTPClient.Task<Response>, _ head: HTTPRequestHead) {
        span.annotate("request head sent")
        base.didSendRequestHead(task: task, head)
    }

    func didSendRequestPart(task: HTTPClient.Task<Response>, _ part: IOData) {
        base.didSendRequestPart(task: task, part)
    }

    func didSendRequest(task: HTTPClient.Task<Response>) {
        span.annotate("request sent")
        base.didSendRequest(task: task)
    }

    func didVisitURL(task: HTTPClient.Task<Response>, _ request: HTTPClient.Request, _ head: HTTPResponseHead) {
        base.didVisitURL(task: task, request, head)
    }

    func didReceiveHead(task: HTTPClient.Task<Response>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        span.annotate("response head received")
        return base.didReceiveHead(task: task, head)
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Response>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        base.didReceiveBodyPart(task: task, buffer)
    }

    func didReceiveError(task: HTTPClient.Task<Response>, _ error: any Error) {
        base.didReceiveError(task: task, error)
    }

    func didFinishRequest(task: HTTPClient.Task<Response>) throws -> Response {
        try base.didFinishRequest(task: task)
    }
}
#endif
