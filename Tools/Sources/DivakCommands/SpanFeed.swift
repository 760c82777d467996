// SPDX-License-Identifier: Apache-2.0
// SpanFeed.swift - new spans of a server: pushed by `divak collector`, asked for at others.

import DivakTerminal
import Foundation
import Synchronization

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What a server has to tell: spans, or how many were left out since it, the network or whoever reads was too slow.
enum News: Equatable {
    case spans([ZipkinSpan])
    case missing(Int)

    /// Of the data of an event; nil when it is neither.
    init?(_ event: String) {
        struct Lost: Decodable { var spans: Int }
        let data = Data(event.utf8)
        let decoder = JSONDecoder()
        if let spans = try? decoder.decode([ZipkinSpan].self, from: data) {
            self = .spans(spans)
        } else if let span = try? decoder.decode(ZipkinSpan.self, from: data) {
            self = .spans([span])
        } else if let lost = try? decoder.decode(Lost.self, from: data), lost.spans > 0 {
            self = .missing(lost.spans)
        } else {
            return nil
        }
    }

    var count: Int {
        switch self {
        case .spans(let spans): spans.count
        case .missing(let count): count
        }
    }
}

/// New spans of a server, from the call on.
struct SpanFeed: Sendable {
    let client: ZipkinClient

    /// More lists than this don't wait for one who can't keep up.
    static let listsMax = 64

    /// News as they come; ends with an error when the server does not answer.
    func news() -> AsyncThrowingStream<News, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingOldest(Self.listsMax)) { continuation in
            let task = Task {
                do {
                    if try await !follow(continuation) { try await poll(continuation) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private typealias Continuation = AsyncThrowingStream<News, any Error>.Continuation

    /// Server-sent events; false when the server has none.
    private func follow(_ continuation: Continuation) async throws -> Bool {
        var outlet = Outlet(continuation)
        do {
            for try await news in EventSource(url: client.url("api/divak/tail")).news() { outlet.pass(on: news) }
        } catch is NoSuchStream {
            return false
        }
        throw CommandFailure("\(client.place): the connection was closed")
    }

    /// Asks for the traces of the last minute, and passes on the spans that were not there before.
    private func poll(_ continuation: Continuation) async throws {
        var seen: [ZipkinSpan: Int] = [:]
        var round = 0
        var outlet = Outlet(continuation)
        while !Task.isCancelled {
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            let body = try await client.get(
                "api/v2/traces",
                [("endTs", "\(now)"), ("lookback", "60000"), ("limit", "1000")]
            )
            let spans = try decodeAnswer([[ZipkinSpan]].self, body).joined().sorted {
                ($0.timestamp ?? 0) < ($1.timestamp ?? 0)
            }
            let new = spans.filter { seen.updateValue(round, forKey: $0) == nil }
            if round > 0, !new.isEmpty { outlet.pass(on: .spans(new)) }
            seen = seen.filter { $0.value > round - 120 }
            round += 1
            try await Task.sleep(for: .seconds(1))
        }
    }
}

/// Cuts a stream into the data of its events.
///
/// Bytes until a line is whole: a piece may end within a character.
struct EventParser {
    private var line: [UInt8] = []
    private var data: [String] = []

    init() {}

    /// The events that end within this piece.
    mutating func events(in piece: Data) -> [String] {
        var events: [String] = []
        for byte in piece {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty {
                if !data.isEmpty { events.append(data.joined(separator: "\n")) }
                data = []
            } else if line.starts(with: "data:".utf8) {
                let value = line.dropFirst(5)
                data.append(
                    String(decoding: value.first == UInt8(ascii: " ") ? value.dropFirst() : value, as: UTF8.self)
                )
            }
            line.removeAll(keepingCapacity: true)
        }
        return events
    }
}

/// Passes news on to a stream of bounded length, and tells of those that found no room there once there is some.
private struct Outlet {
    private let continuation: AsyncThrowingStream<News, any Error>.Continuation
    private var missing = 0

    init(_ continuation: AsyncThrowingStream<News, any Error>.Continuation) { self.continuation = continuation }

    mutating func pass(on news: News) {
        if missing > 0, case .enqueued = continuation.yield(.missing(missing)) { missing = 0 }
        if case .dropped = continuation.yield(news) { missing += news.count }
    }
}

/// The server sends no events.
private struct NoSuchStream: Error {}

/// The events of a response as they come.
private struct EventSource {
    let url: URL

    /// Ends with `NoSuchStream` when the server has none.
    func news() -> AsyncThrowingStream<News, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingOldest(SpanFeed.listsMax)) { continuation in
            var request = URLRequest(url: url)
            request.setValue("text/event-stream", forHTTPHeaderField: "accept")
            request.timeoutInterval = 86_400
            let configuration = URLSessionConfiguration.ephemeral
            configuration.timeoutIntervalForRequest = 86_400
            let session = URLSession(
                configuration: configuration,
                delegate: Receiver(continuation),
                delegateQueue: nil
            )
            let task = session.dataTask(with: request)
            task.resume()
            continuation.onTermination = { _ in
                task.cancel()
                session.finishTasksAndInvalidate()
            }
        }
    }

    /// Makes events of bytes right where they arrive: nothing piles up in front of what is bounded.
    private final class Receiver: NSObject, URLSessionDataDelegate, Sendable {
        private struct State {
            var parser = EventParser()
            var outlet: Outlet
        }

        private let continuation: AsyncThrowingStream<News, any Error>.Continuation
        private let state: Mutex<State>

        init(_ continuation: AsyncThrowingStream<News, any Error>.Continuation) {
            self.continuation = continuation
            state = Mutex(State(outlet: Outlet(continuation)))
        }

        func urlSession(
            _ session: URLSession,
            dataTask: URLSessionDataTask,
            didReceive response: URLResponse,
            completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
        ) {
            let answer = response as? HTTPURLResponse
            let type = answer?.value(forHTTPHeaderField: "content-type") ?? ""
            guard answer?.statusCode == 200, type.hasPrefix("text/event-stream") else {
                continuation.finish(throwing: NoSuchStream())
                completionHandler(.cancel)
                return
            }
            completionHandler(.allow)
        }

        func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
            state.withLock { state in
                for event in state.parser.events(in: data) {
                    if let news = News(event) { state.outlet.pass(on: news) }
                }
            }
        }

        func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
            if let error { continuation.finish(throwing: CommandFailure(error.localizedDescription)) }
            continuation.finish()
        }
    }
}
