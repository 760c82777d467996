// SPDX-License-Identifier: Apache-2.0
// Tail.swift - GET /api/divak/tail: spans as they arrive, as server-sent events.
//
//     event: spans                      a list of spans in JSON v2
//     data: [{"traceId":"...",...}]
//
//     event: lost                       the client, or the network, was too slow for so many spans
//     data: {"spans":1200}
//
// With ?serviceName=frontend only spans of that service come. A comment line every 15 seconds keeps the connection.

struct Tail: Sendable {
    let store: SpanStore

    /// Of one batch, no more than this are sent; nobody reads as fast as that.
    static let spansMax = 2000
    /// Nor many more bytes than this.
    static let bytesMax = 4 << 20
    /// So many batches wait for a client that doesn't read; more would be memory for nobody.
    static let waitingMax = 8

    func answer(_ request: Request) -> Answer {
        let service = request.parameter("serviceName").flatMap { $0.isEmpty ? nil : lowercased(Array($0.utf8)) }
        let follower = store.follow()
        let (stream, continuation) = AsyncStream.makeStream(
            of: [UInt8].self,
            bufferingPolicy: .bufferingOldest(Tail.waitingMax)
        )
        let reading = Task {
            var lost = 0
            for await batch in follower.batches {
                var events: [UInt8] = []
                let (sent, left) = Tail.append(batch, of: service, to: &events)
                lost += follower.takeMissed() + left
                if lost > 0 {
                    events.append(contentsOf: "event: lost\ndata: {\"spans\":\(lost)}\n\n".utf8)
                }
                if events.isEmpty { continue }
                if case .dropped = continuation.yield(events) {
                    lost += sent
                } else {
                    lost = 0
                }
            }
            continuation.finish()
        }
        let beating = Task {
            continuation.yield(Array(": listening\n\n".utf8))
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(15))
                continuation.yield(Array(": still here\n\n".utf8))
            }
        }
        continuation.onTermination = { _ in
            follower.stop()
            reading.cancel()
            beating.cancel()
        }
        var answer = Answer(
            status: 200,
            headers: [("content-type", "text/event-stream"), ("cache-control", "no-store")]
        )
        answer.stream = stream
        return answer
    }

    /// Appends an event with those spans of the batch that are wanted, and says how many those
    /// are, and how many more were too many.
    private static func append(
        _ batch: SpanBatch,
        of service: [UInt8]?,
        to events: inout [UInt8]
    ) -> (sent: Int, left: Int) {
        var sent = 0
        var missed = 0
        batch.records.withUnsafeBufferPointer { records in
            for entry in batch.entries {
                if let service, !service.equals(records.slice(entry.service)) { continue }
                if sent == spansMax || events.count > bytesMax {
                    missed += 1
                    continue
                }
                events.append(literal: sent == 0 ? "event: spans\ndata: [" : ",")
                appendJSON(RecordView(records.slice(entry.record)), to: &events)
                sent += 1
            }
        }
        if sent > 0 { events.append(literal: "]\n\n") }
        return (sent, missed)
    }
}
