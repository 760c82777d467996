// SPDX-License-Identifier: Apache-2.0
// SpanFeed.swift - new spans of a server: pushed by `divak collector`, asked for at others.

import DivakTerminal
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// New spans of a server, from the call on.
struct SpanFeed: Sendable {
    let client: ZipkinClient

    /// Lists of spans as they come; ends with an error when the server does not answer.
    func lists() -> AsyncThrowingStream<[ZipkinSpan], any Error> {
        AsyncThrowingStream { continuation in
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

    private typealias Continuation = AsyncThrowingStream<[ZipkinSpan], any Error>.Continuation

    /// Server-sent events; false when the server has none.
    private func follow(_ continuation: Continuation) async throws -> Bool {
        var parser = EventParser()
        var hasBegun = false
        for try await piece in EventSource(url: client.url("api/divak/tail")).pieces() {
            guard let piece else { return false }
            hasBegun = true
            for event in parser.events(in: piece) {
                if let spans = try? JSONDecoder().decode([ZipkinSpan].self, from: Data(event.utf8)) {
                    continuation.yield(spans)
                } else if let span = try? JSONDecoder().decode(ZipkinSpan.self, from: Data(event.utf8)) {
                    continuation.yield([span])
                }
            }
        }
        if hasBegun { throw CommandFailure("\(client.place): the connection was closed") }
        return false
    }

    /// Asks for the traces of the last minute, and passes on the spans that were not there before.
    private func poll(_ continuation: Continuation) async throws {
        var seen: [ZipkinSpan: Int] = [:]
        var round = 0
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
            if round > 0, !new.isEmpty { continuation.yield(new) }
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

/// The pieces of a response as they come.
private struct EventSource {
    let url: URL

    /// nil when the server has no such stream.
    func pieces() -> AsyncThrowingStream<Data?, any Error> {
        AsyncThrowingStream { continuation in
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

    private final class Receiver: NSObject, URLSessionDataDelegate, Sendable {
        private let continuation: AsyncThrowingStream<Data?, any Error>.Continuation

        init(_ continuation: AsyncThrowingStream<Data?, any Error>.Continuation) {
            self.continuation = continuation
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
                continuation.yield(nil)
                completionHandler(.cancel)
                return
            }
            completionHandler(.allow)
        }

        func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
            continuation.yield(data)
        }

        func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
            if let error { continuation.finish(throwing: CommandFailure(error.localizedDescription)) }
            continuation.finish()
        }
    }
}
