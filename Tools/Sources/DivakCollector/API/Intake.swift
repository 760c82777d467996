// SPDX-License-Identifier: Apache-2.0
// Intake.swift - POST /api/v2/spans: which encoding a body has, what is wrong with it, and into the store.

import Foundation
import Synchronization

/// Counts of what came in by POST.
public struct IntakeStats: Sendable {
    /// Requests.
    public var messages = 0
    /// Requests of which nothing was taken.
    public var messagesRejected = 0
    /// After decompression.
    public var bytes = 0
    /// Understood.
    public var spans = 0
    /// Of those, not kept, since their trace is not sampled.
    public var spansDropped = 0
    /// Of the latest request that was taken, after decompression.
    public var lastMessageBytes = 0
    /// Of the latest request that was taken.
    public var lastMessageSpans = 0
}

final class Intake: Sendable {
    private let store: SpanStore
    private let maxBodyBytes: Int
    /// Traces whose id, as a number without its sign, is beyond this are not kept.
    private let sampledMax: Int64
    private let counts = Mutex<IntakeStats>(IntakeStats())

    init(store: SpanStore, maxBodyBytes: Int, sampleRate: Double = 1) {
        self.store = store
        sampledMax = sampleRate >= 1 ? .max : Int64(Double(Int64.max) * max(sampleRate, 0))
        self.maxBodyBytes = maxBodyBytes
    }

    var stats: IntakeStats { counts.withLock { $0 } }

    /// Answers 202 once the spans are in the store; the whole list is taken or nothing of it.
    func answer(_ request: Request) async -> Answer {
        counts.withLock { $0.messages += 1 }
        let answer = await take(request)
        if answer.status != 202 { counts.withLock { $0.messagesRejected += 1 } }
        return answer
    }

    private func take(_ request: Request) async -> Answer {
        var body = request.body
        if !body.isEmpty, request.headers["content-encoding"]?.contains("gzip") == true {
            do {
                body = try gunzip(body, limit: maxBodyBytes)
            } catch {
                if error == .damaged { return .text(400, "Cannot gunzip spans") }
                return .text(413, "The body has more than \(maxBodyBytes) bytes decompressed, which is the limit.\n")
            }
            if body.isEmpty { return .text(400, "Cannot gunzip spans") }
        }
        if body.isEmpty || body == Array("[]".utf8) { return Answer(status: 202) }
        let isProto = (request.headers["content-type"] ?? "").hasPrefix("application/x-protobuf")
        var batch: SpanBatch
        do {
            batch = try Intake.decode(body, isProto: isProto)
        } catch {
            return .text(400, error.message)
        }
        // What waits for the disk is bounded: better that the sender keeps its spans than that they are lost here.
        var waits = 0
        while !store.hasRoom {
            waits += 1
            if waits > 500 || Task.isCancelled {
                var answer = Answer.text(503, "The database can't keep up, or can't be written. Try again.\n")
                answer.headers.append(("retry-after", "1"))
                return answer
            }
            try? await Task.sleep(for: .milliseconds(10))
        }
        let understood = batch.count
        if sampledMax < .max { batch.keep { $0.debug || isSampled($0.trace) } }
        store.append(batch)
        counts.withLock { counts in
            counts.bytes += body.count
            counts.spans += understood
            counts.spansDropped += understood - batch.count
            counts.lastMessageBytes = body.count
            counts.lastMessageSpans = understood
        }
        return Answer(status: 202)
    }

    /// By the lower half of the id alone, so that every collector says the same of a trace, and of both its spellings.
    private func isSampled(_ trace: TraceID) -> Bool {
        let low = Int64(bitPattern: trace.low)
        return (low == .min ? .max : abs(low)) <= sampledMax
    }

    /// Tells formats apart by their first bytes, as Zipkin does, so that its words for the wrong one are the same.
    static func decode(_ body: [UInt8], isProto: Bool) throws(DecodeError) -> SpanBatch {
        let expected = isProto ? "PROTO3" : "JSON_V2"
        let first = body[0]
        let looksLikeProto = first == 10 && body.count > 1 && body[1] != 0
        // 11 and 12 begin lists in Thrift: known, and then found malformed.
        guard first == UInt8(ascii: "[") || looksLikeProto || first == 11 || first == 12 else {
            throw DecodeError("Expected a \(expected) encoded list\n")
        }
        let result: Result<SpanBatch, DecodeError> = body.withUnsafeBufferPointer { body in
            if !isProto && contains(body, "yAnnotations\"") {
                return .failure(DecodeError("Expected a JSON_V2 encoded list, but received: JSON_V1\n"))
            }
            return Result { () throws(DecodeError) in
                isProto ? try SpanBatch(proto3: body) : try SpanBatch(json: body)
            }
        }
        return try result.get()
    }

    /// Looks for the second byte of the needle, which has to be rarer in spans than the first.
    private static func contains(_ body: Text, _ needle: StaticString) -> Bool {
        guard let start = body.baseAddress, body.count >= needle.utf8CodeUnitCount else { return false }
        let end = start + (body.count - needle.utf8CodeUnitCount + 1)
        var at = start
        while at < end, let found = memchr(at + 1, Int32(needle.utf8Start[1]), end - at) {
            at = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - 1
            if memcmp(at, needle.utf8Start, needle.utf8CodeUnitCount) == 0 { return true }
            at += 1
        }
        return false
    }
}
