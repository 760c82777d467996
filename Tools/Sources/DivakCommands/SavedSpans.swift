// SPDX-License-Identifier: Apache-2.0
// SavedSpans.swift - a file of spans, cut between them.

import Foundation

/// A list of spans in Zipkin's JSON or proto3, with the places where one ends and the next begins.
///
/// What is within a span is the receiver's to judge. A list of traces, as a search answers, is a list of their spans.
struct SavedSpans {
    private let bytes: [UInt8]
    private let spans: [Range<Int>]
    private let isJSON: Bool

    /// Finds the spans.
    init(_ data: Data) throws(CommandFailure) {
        bytes = Array(data)
        guard bytes.first == 0x0A else {
            (isJSON, spans) = (true, try Self.json(bytes))
            return
        }
        // A list in proto3 begins with the byte that ends a line; a text may begin with an empty one.
        do {
            (isJSON, spans) = (false, try Self.protobuf(bytes))
        } catch {
            guard let found = try? Self.json(bytes) else { throw error }
            (isJSON, spans) = (true, found)
        }
    }

    /// How many there are.
    var count: Int { spans.count }

    var contentType: String { isJSON ? "application/json" : "application/x-protobuf" }

    /// Messages of at most `limit` bytes; a span that is longer has one of its own.
    func messages(limit: Int) -> [Data] {
        var messages: [Data] = []
        var message = Data()
        for span in spans {
            let piece = bytes[span]
            if !message.isEmpty, message.count + piece.count + 2 > limit {
                messages.append(closed(message))
                message = Data()
            }
            if isJSON { message.append(message.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ",")) }
            message.append(contentsOf: piece)
        }
        if !message.isEmpty { messages.append(closed(message)) }
        return messages
    }

    private func closed(_ message: Data) -> Data { isJSON ? message + [UInt8(ascii: "]")] : message }

    /// The objects within the outer one or two lists.
    private static func json(_ bytes: [UInt8]) throws(CommandFailure) -> [Range<Int>] {
        var spans: [Range<Int>] = []
        var lists = 0
        var objects = 0
        var start = 0
        var isText = false
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            if isText {
                if byte == UInt8(ascii: "\\") { at += 1 } else if byte == UInt8(ascii: "\"") { isText = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "["): if objects == 0 { lists += 1 }
                case UInt8(ascii: "]"): if objects == 0 { lists -= 1 }
                case UInt8(ascii: "{"):
                    if objects == 0 { start = at }
                    objects += 1
                case UInt8(ascii: "}"):
                    objects -= 1
                    if objects == 0 { spans.append(start..<(at + 1)) }
                default: break
                }
            }
            guard (0...2).contains(lists), objects >= 0, lists > 0 || objects == 0 else {
                throw CommandFailure("neither a list of spans in JSON nor in proto3: byte \(at)")
            }
            at += 1
        }
        guard lists == 0, objects == 0, !isText, !bytes.isEmpty,
            (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
        else { throw CommandFailure("neither a list of spans in JSON nor in proto3") }
        return spans
    }

    /// The fields 1 of a message, each with its tag.
    private static func protobuf(_ bytes: [UInt8]) throws(CommandFailure) -> [Range<Int>] {
        var spans: [Range<Int>] = []
        var at = 0
        while at < bytes.count {
            let start = at
            guard bytes[at] == 0x0A else { throw CommandFailure("not a list of spans in proto3: byte \(at)") }
            at += 1
            var length = 0
            var shift = 0
            while true {
                guard at < bytes.count, shift < 35 else { throw CommandFailure("cut off at byte \(at)") }
                let byte = bytes[at]
                at += 1
                length |= Int(byte & 0x7F) << shift
                if byte < 0x80 { break }
                shift += 7
            }
            guard length <= bytes.count - at else { throw CommandFailure("cut off: \(length) bytes are missing some") }
            at += length
            spans.append(start..<at)
        }
        return spans
    }
}
