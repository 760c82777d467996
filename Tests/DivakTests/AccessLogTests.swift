// AccessLogTests.swift - the bytes of access logs, their levels, and that nobody can forge a line.
// SPDX-License-Identifier: Apache-2.0

import Divak
import Foundation
import InMemoryLogging
import Logging
import Testing

/// A record with everything in it.
private func full() -> AccessLogRecord {
    var record = AccessLogRecord(method: "GET", target: "/items?page=2", status: 200)
    record.version = "HTTP/1.1"
    record.remoteAddress = "192.0.2.1"
    record.user = "ada"
    record.responseBytes = 12
    record.referer = "http://example.org/"
    record.userAgent = "curl/8.0"
    record.start = DivakTimestamp(microsecondsSinceEpoch: 1_795_622_645_123_456)
    record.duration = .microseconds(3142)
    record.requestID = "4f0c"
    record.traceID = "80f198ee56343ba864fe8b2a57d3eff7"
    record.spanID = "e457b5a2e4d86bd1"
    record.route = "/items"
    return record
}

/// A record of which nothing is known.
private func bare(_ status: Int = 200) -> AccessLogRecord {
    AccessLogRecord(method: "GET", target: "/", status: status)
}

/// Text that would end a line, end a field, hide or reorder something.
private let hostile = "a\"b\\c d\r\n\u{0}\u{7f}\u{85}\u{9b}2J\u{1b}[0m\u{2028}\u{202e}\u{2066}{x}\t%00\u{feff}end"

extension Everything {
    @Suite struct AccessLogTests {
        @Test func each_format_is_as_its_users_know_it() {
            #expect(AccessLog(.brief).line(full()) == #"192.0.2.1 "GET /items?page=2" 200 "curl/8.0" 0.003142"#)
            #expect(
                AccessLog(.combined).line(full())
                    == #"192.0.2.1 - ada [25/Nov/2026:16:04:05 +0000] "GET /items?page=2 HTTP/1.1" 200 "OK" 12 "#
                    + #""http://example.org/" "curl/8.0" (secs:0.003)"#
            )
            #expect(AccessLog(.correlation).line(full()) == "200 GET /items?page=2 (192.0.2.1) 3.14ms {CID 4f0c}")
            #expect(
                AccessLog(.json).line(full())
                    == #"{"time":"2026-11-25T16:04:05.123Z","method":"GET","target":"/items?page=2","#
                    + #""version":"HTTP/1.1","route":"/items","status":200,"remoteAddress":"192.0.2.1","#
                    + #""user":"ada","responseBytes":12,"referer":"http://example.org/","userAgent":"curl/8.0","#
                    + #""seconds":0.003142,"requestId":"4f0c","traceId":"80f198ee56343ba864fe8b2a57d3eff7","#
                    + #""spanId":"e457b5a2e4d86bd1"}"#
            )
        }

        @Test func what_is_not_known_is_a_hyphen_everywhere_and_left_out_of_json() {
            #expect(AccessLog(.brief).line(bare()) == #"- "GET /" 200 "-" 0.000000"#)
            #expect(AccessLog(.combined).line(bare(299)) == #"- - - [-] "GET / -" 299 "-" - "-" "-" (secs:0.000)"#)
            #expect(AccessLog(.correlation).line(bare()) == "200 GET / (-) 0.00ms {CID -}")
            #expect(AccessLog(.json).line(bare()) == #"{"method":"GET","target":"/","status":200,"seconds":0.000000}"#)
        }

        @Test(arguments: [
            (Duration.nanoseconds(499), "0.000000", "0.00ms"), (.nanoseconds(500), "0.000001", "0.00ms"),
            (.microseconds(5), "0.000005", "0.01ms"), (.nanoseconds(999_999_500), "1.000000", "1000.00ms"),
            (.seconds(61), "61.000000", "61000.00ms"), (.seconds(-1), "0.000000", "0.00ms"),
            (.seconds(Int64.max), "9000000000.000000", "9000000000000.00ms"),
        ])
        func times_are_rounded_and_never_negative(duration: Duration, seconds: String, milliseconds: String) {
            var record = bare()
            record.duration = duration
            #expect(AccessLog(.brief).line(record).hasSuffix(" \(seconds)"))
            #expect(AccessLog(.correlation).line(record).contains(" \(milliseconds) "))
        }

        @Test func dates_are_those_of_the_calendar() {
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = TimeZone(secondsFromGMT: 0)
            formatter.dateFormat = "dd/MMM/yyyy:HH:mm:ss Z"
            var record = bare()
            // Two hundred years in odd steps, and the days around the ends of February.
            let leaps: [UInt64] = [68_169_599, 68_169_600, 951_782_399, 951_868_799, 4_107_542_399, 4_107_542_400]
            for second in leaps + Array(stride(from: 0 as UInt64, to: 6_311_433_600, by: 1_234_567)) {
                record.start = DivakTimestamp(microsecondsSinceEpoch: second * 1_000_000)
                let wanted = formatter.string(from: Date(timeIntervalSince1970: Double(second)))
                guard AccessLog(.combined).line(record).contains("[\(wanted)]") else {
                    Issue.record("\(wanted) is not in \(AccessLog(.combined).line(record))")
                    return
                }
            }
        }

        @Test func levels_follow_the_status_and_failures_only_makes_the_rest_debug() {
            for (status, level) in [
                (0, Logger.Level.info), (200, .info), (399, .info), (400, .warning), (499, .warning), (500, .error),
                (599, .error), (999, .error),
            ] {
                #expect(AccessLog().level(status) == level)
                #expect(AccessLog(failuresOnly: true).level(status) == (status < 400 ? .debug : level))
            }
        }

        @Test func a_line_is_written_with_its_ids_at_its_level() {
            let memory = InMemoryLogHandler()
            let logger = Logger(label: "divak.access") { _ in memory }
            var keys = DivakLogKeys()
            keys.absent = "-"
            let log = AccessLog(.correlation, keys: keys)
            log.write(full(), to: logger)
            log.write(bare(503), to: logger)
            AccessLog(.brief, failuresOnly: true).write(bare(), to: logger)
            #expect(memory.entries.map(\.level) == [.info, .error])
            #expect("\(memory.entries[0].message)" == log.line(full()))
            #expect(
                memory.entries[0].metadata
                    == [
                        "traceId": "80f198ee56343ba864fe8b2a57d3eff7", "spanId": "e457b5a2e4d86bd1",
                        "requestId": "4f0c",
                    ]
            )
            #expect(memory.entries[1].metadata == ["traceId": "-", "spanId": "-", "requestId": "-"])
        }

        @Test(arguments: [AccessLog.Format.brief, .combined, .correlation, .json])
        func nothing_from_outside_can_end_a_line_or_a_field(format: AccessLog.Format) throws {
            var record = AccessLogRecord(method: hostile, target: hostile, status: 200)
            for path in [
                \AccessLogRecord.version, \.reason, \.remoteAddress, \.user, \.referer, \.userAgent, \.requestID,
                \.route, \.error,
            ] as [WritableKeyPath<AccessLogRecord, String?>] {
                record[keyPath: path] = hostile
            }
            let line = AccessLog(format).line(record)
            let unsafe = CharacterSet.controlCharacters.union(.newlines)
            #expect(line.unicodeScalars.allSatisfy { !unsafe.contains($0) })
            if format == .json {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["target"] as? String == hostile && object?["userAgent"] as? String == hostile)
                return
            }
            // Quotes that are not escaped are the format's own, and blanks outside of them too.
            let quotes = line.replacing(#"\\"#, with: "").replacing(#"\""#, with: "").filter { $0 == "\"" }.count
            #expect(quotes == (format == .combined ? 8 : format == .brief ? 4 : 0))
            if format == .correlation { #expect(line.filter { $0 == " " }.count == 6) }
        }

        @Test func no_byte_gets_through_that_would_end_the_line() {
            for byte in UInt8(0)..<0x80 {
                var record = bare()
                record.userAgent = "x\(Character(Unicode.Scalar(byte)))y"
                let line = AccessLog(.brief).line(record)
                #expect(line.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
                #expect(
                    line.contains("x\(Character(Unicode.Scalar(byte)))y")
                        == (byte >= 0x20 && ![34, 92, 127].contains(byte))
                )
            }
        }
    }

    @Suite struct StructuredLogTests {
        /// The lines that a logger writes.
        private func lines(
            service: String? = "shop",
            environment: String? = "test",
            _ body: (Logger) -> Void
        ) -> [String] {
            let written = Lines()
            body(
                Logger(label: "shop.rows") { label in
                    StructuredLogHandler(label: label, service: service, environment: environment) { written.add($0) }
                }
            )
            return written.all
        }

        @Test func a_line_has_the_structured_element_then_the_message() {
            let lines = lines { logger in
                logger.warning(
                    "queried",
                    metadata: ["requestId": "4f0c"],
                    source: "Shop",
                    file: "Shop/Rows.swift",
                    function: "get()",
                    line: 12
                )
            }
            #expect(
                lines == [
                    #"W[sprockets@34085 service="shop" environment="test" correlation_id="4f0c" logger="shop.rows" "#
                        + #"process="\#(ProcessInfo.processInfo.processIdentifier)" line="12" function="get()" "#
                        + #"module="Shop"] queried"# + "\n"
                ]
            )
        }

        @Test func service_and_environment_are_there_together_or_not_at_all() {
            #expect(
                lines(environment: nil) { $0.info("x") }[0].hasPrefix(#"I[sprockets@34085 correlation_id="" logger"#)
            )
            #expect(lines(service: nil) { $0.info("x") }[0].hasPrefix(#"I[sprockets@34085 correlation_id="" logger"#))
        }

        @Test func each_level_has_its_letter() {
            let lines = lines { logger in
                var logger = logger
                logger.logLevel = .trace
                for level in Logger.Level.allCases { logger.log(level: level, "x") }
            }
            #expect(lines.map { $0.prefix(1) }.joined() == "TDINWEC")
        }

        @Test func values_are_escaped_as_rfc_5424_says_and_no_message_ends_its_line() {
            let lines = lines(service: #"a"b\c]d"#) { logger in
                logger.info("one\ntwo", metadata: ["requestId": "\(hostile)", "k\n": "v\n\""])
            }
            #expect(lines.count == 1 && lines[0].hasSuffix("\n") && lines[0].dropLast().allSatisfy { !$0.isNewline })
            #expect(lines[0].contains(#"service="a\"b\\c\]d""#))
            #expect(lines[0].contains(#"correlation_id="a\"b\\c d\\x0d\\x0a\\x00\\x7f"#))
            #expect(lines[0].contains(#"] one\x0atwo k\x0a="v\x0a\"""#))
        }

        @Test func metadata_of_all_sources_follows_the_message() {
            let lines = lines { logger in
                var logger = logger
                logger[metadataKey: "a"] = "1"
                logger.handler.metadataProvider = Logger.MetadataProvider { ["b": "2", "a": "provider's"] }
                logger.info("x", error: Oops(), metadata: ["b": "line's"])
            }
            #expect(lines[0].hasSuffix(#"] x a="provider's" b="line's" error="oops""# + "\n"))
        }
    }

    @Suite struct HTTPFailureTests {
        @Test func a_failure_is_one_line_at_its_level() {
            let memory = InMemoryLogHandler()
            let logger = Logger(label: "test") { _ in memory }
            let oops = HTTPFailure(method: "GET", target: "/x", status: 456, logMessage: "oops")
            #expect(oops.line == "GET /x failed with 456: oops")
            oops.write(to: logger)
            HTTPFailure(method: "PUT", target: "/y", status: 503, error: Oops()).write(to: logger)
            #expect(memory.entries.map(\.level) == [.warning, .error])
            #expect("\(memory.entries[1].message)" == "PUT /y failed with 503: Service Unavailable")
            #expect(memory.entries[1].error is Oops)
            #expect(HTTPFailure(method: "GET", target: "/x", status: 456).line == "GET /x failed with 456: Unknown")
            #expect(
                HTTPFailure(method: "G\nE", target: "/ x", status: 400, logMessage: "a\nb").line
                    == #"G\x0aE /\x20x failed with 400: a\x0ab"#
            )
        }

        @Test func the_body_never_says_what_the_log_does_and_an_error_only_when_told_to() {
            var failure = HTTPFailure(method: "GET", target: "/x", status: 456, logMessage: "secret", error: Oops())
            #expect(failure.json(revealsErrors: false) == #"{"type":null,"message":"Unknown","traceback":null}"#)
            #expect(failure.json(revealsErrors: true) == #"{"type":"Oops","message":"oops","traceback":null}"#)
            failure.reason = "Be \"nice\"\n"
            #expect(
                failure.json(revealsErrors: false) == #"{"type":null,"message":"Be \"nice\"\n","traceback":null}"#
            )
        }
    }
}

private struct Oops: Error, CustomStringConvertible {
    let description = "oops"
}

/// Lines that were written; each test uses its own, in one task.
private final class Lines: @unchecked Sendable {
    private(set) var all: [String] = []
    func add(_ line: String) { all.append(line) }
}
