// SPDX-License-Identifier: Apache-2.0
// CollectorServer.swift - the collector behind HTTP/1.1: bytes from a socket to `Collector` and back.

public import DivakCollector
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Where to listen, and how much of a body to take.
public struct CollectorServer: Sendable {
    public var host: String
    /// 0: any free port.
    public var port: Int
    /// A larger body is answered with 413.
    public var maxBodyBytes: Int

    public init(host: String = "127.0.0.1", port: Int = 9411, maxBodyBytes: Int = 10 << 20) {
        self.host = host
        self.port = port
        self.maxBodyBytes = maxBodyBytes
    }

    /// Serves until SIGTERM or SIGINT, or until the task is cancelled.
    /// `onListening` is told the port once connections are taken.
    public func run(_ collector: Collector, onListening: @escaping @Sendable (Int) -> Void) async throws {
        let application = Application(
            responder: Responder(collector: collector, maxBodyBytes: maxBodyBytes),
            configuration: .init(address: .hostname(host, port: port)),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "divak", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try await application.runService()
    }
}

/// Translates between Hummingbird's requests and the collector's.
struct Responder: HTTPResponder {
    let collector: Collector
    let maxBodyBytes: Int

    @Sendable func respond(
        to request: Hummingbird.Request, context: BasicRequestContext
    ) async throws -> Hummingbird.Response {
        var body: [UInt8] = []
        do {
            let buffer = try await request.body.collect(upTo: maxBodyBytes)
            body = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            let answer = Answer.text(413, "The body has more than \(maxBodyBytes) bytes, which is the limit.\n")
            return response(answer, request.method)
        }
        var headers: [String: String] = [:]
        for field in request.headers {
            headers[field.name.canonicalName] = field.value
        }
        let asked = DivakCollector.Request(
            method: request.method.rawValue,
            path: request.uri.path,
            query: request.uri.queryParameters.map { (String($0.key), String($0.value)) },
            headers: headers,
            body: body
        )
        return response(await collector.answer(asked), request.method)
    }

    private func response(_ answer: Answer, _ method: HTTPRequest.Method) -> Hummingbird.Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        return Hummingbird.Response(
            status: .init(code: answer.status), headers: headers,
            body: answer.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
