// SPDX-License-Identifier: Apache-2.0
// CollectorServer.swift - the collector behind HTTP/1.1: bytes from a socket to `Collector` and back.

public import DivakCollector
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where to listen, and how much of a body to take.
public struct CollectorServer: Sendable {
    /// The address to listen on.
    public var host: String
    /// 0: any free port.
    public var port: Int
    /// A larger body is answered with 413.
    public var maxBodyBytes: Int

    /// A connection on which nothing comes for so long is closed, and a request that takes longer to arrive is answered
    /// with 408: those who are slow can't keep others out.
    public var patience: Duration

    /// On loopback, at the port of Zipkin.
    public init(
        host: String = "127.0.0.1",
        port: Int = 9411,
        maxBodyBytes: Int = 10 << 20,
        patience: Duration = .seconds(60)
    ) {
        self.host = host
        self.port = port
        self.maxBodyBytes = maxBodyBytes
        self.patience = patience
    }

    /// So many bytes of bodies lie here at once, however many send; who comes then is asked to try again.
    private var bodiesMax: Int { max(256 << 20, 4 * maxBodyBytes) }

    /// How many connections there may be at once.
    ///
    /// As many as this process may have files open, without those that it needs itself, and no more than 4,096. Others
    /// wait in the kernel's queue until one is closed.
    private static var connectionsMax: Int {
        var limit = rlimit()
        getrlimit(.init(RLIMIT_NOFILE.rawValue), &limit)
        return max(min(Int(clamping: limit.rlim_cur) - 64, 4096), 16)
    }

    /// Serves until SIGTERM or SIGINT, or until the task is cancelled, then writes what the store still holds back.
    ///
    /// `onListening` is told the port once connections are taken. What the system refuses is thrown as its words.
    public func run(_ collector: Collector, onListening: @escaping @Sendable (Int) -> Void) async throws {
        let application = Application(
            responder: Responder(
                collector: collector,
                maxBodyBytes: maxBodyBytes,
                room: Room(bodiesMax),
                patience: patience
            ),
            server: .http1(configuration: .init(idleTimeout: TimeAmount(patience))),
            configuration: .init(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)
            ),
            services: [Maintenance(collector: collector)],
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "divak", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        do {
            try await application.runService()
        } catch let error as IOError {
            throw ServerFailure(description: String(cString: strerror(error.errnoCode)))
        }
    }
}

/// Why the system does not let the server listen.
struct ServerFailure: Error, CustomStringConvertible {
    let description: String
}

/// What runs beside the server.
///
/// It is told to stop after the server has stopped, and then writes what came last.
private struct Maintenance: Service {
    let collector: Collector

    func run() async throws {
        await cancelWhenGracefulShutdown { await collector.maintain() }
    }
}

/// Translates between Hummingbird's requests and the collector's.
private struct Responder: HTTPResponder {
    let collector: Collector
    let maxBodyBytes: Int
    let room: Room
    let patience: Duration

    @Sendable func respond(
        to request: Hummingbird.Request,
        context: BasicRequestContext
    ) async throws -> Hummingbird.Response {
        var headers: [String: String] = [:]
        for field in request.headers { headers[field.name.canonicalName] = field.value }
        var asked = DivakCollector.Request(
            method: request.method.rawValue,
            path: request.uri.path,
            query: parseQuery(request.uri.query ?? ""),
            headers: headers
        )
        // What says by itself that it is too large is not waited for.
        let said = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        let share = Room.Share(room)
        defer { share.giveBack() }
        do {
            if said > maxBodyBytes { throw NIOTooManyBytesError(maxBytes: maxBodyBytes) }
            guard let buffer = try await body(of: request, share) else {
                var answer = Answer.text(408, "The body took longer than \(patience) to arrive.\n")
                answer.headers.append(("connection", "close"))
                return response(answer, asked)
            }
            asked.body = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            return response(.text(413, "The body has more than \(maxBodyBytes) bytes, which is the limit.\n"), asked)
        } catch is Room.Full {
            var answer = Answer.text(503, "Too many bodies are on their way here. Try again.\n")
            answer.headers.append(("retry-after", "1"))
            return response(answer, asked)
        }
        return response(await collector.answer(asked), asked)
    }

    /// What the client sends; nil when it takes too long.
    private func body(of request: Hummingbird.Request, _ share: Room.Share) async throws -> ByteBuffer? {
        if request.method == .get || request.method == .head { return ByteBuffer() }
        return try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
            group.addTask { [maxBodyBytes] in
                var whole = ByteBuffer()
                for try await part in request.body {
                    guard whole.readableBytes + part.readableBytes <= maxBodyBytes else {
                        throw NIOTooManyBytesError(maxBytes: maxBodyBytes)
                    }
                    try share.take(part.readableBytes)
                    whole.writeImmutableBuffer(part)
                }
                return whole
            }
            group.addTask { [patience] in
                try await Task.sleep(for: patience)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func response(_ answer: Answer, _ request: DivakCollector.Request) -> Hummingbird.Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        let body: ResponseBody
        if let stream = answer.stream {
            // The server waits for its requests before it stops; this one would never end.
            body = ResponseBody(asyncSequence: stream.map { ByteBuffer(bytes: $0) }.cancelOnGracefulShutdown())
        } else {
            body = answer.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: answer.body))
        }
        let response = Hummingbird.Response(status: .init(code: answer.status), headers: headers, body: body)
        return request.method == "HEAD" ? response.createHeadResponse() : response
    }
}
