// Messaging.swift - spans of messages that go through a broker.
// SPDX-License-Identifier: Apache-2.0

/// A topic or queue, and the broker that keeps it.
///
/// ```swift
/// let orders = DivakChannel("orders", broker: DivakEndpoint(service: "kafka", address: "192.0.2.7:9092"))
/// ```
public struct DivakChannel: Sendable {
    /// The name of the topic or queue.
    public var name: String
    /// The broker: the other side of both producer and consumer, who don't know each other.
    public var broker: DivakEndpoint
    /// The key under which spans are tagged with the name, `messaging.destination.name` unless given: brokers have
    /// customs of their own, such as `kafka.topic`.
    public var tagKey: String

    /// A channel of a broker.
    public init(
        _ name: String,
        broker: DivakEndpoint = DivakEndpoint(),
        tagKey: String = "messaging.destination.name"
    ) {
        self.name = name
        self.broker = broker
        self.tagKey = tagKey
    }

    /// Tells a span about the channel.
    fileprivate func describe(_ span: DivakSpan) {
        span.setRemote(broker)
        span.tag(tagKey, name)
    }
}

// MARK: - Sending

extension DivakTracer {
    /// Sends a message under a span of kind producer, with headers that carry its ids.
    ///
    /// ```swift
    /// try tracer.withProducerSpan("send", to: orders) { span, headers in
    ///     try queue.append(Message(body: order, headers: headers))
    /// }
    /// ```
    ///
    /// The span measures how long the broker takes to accept the message. Of B3 the headers hold `b3` alone, as is usual
    /// for messages; the other formats are those that the tracer is configured for. A message that is sent on needs its
    /// old headers of these names taken out first (``propagationHeaders``).
    public func withProducerSpan<Result, Failure: Error>(
        _ name: String = "send",
        to channel: DivakChannel,
        parent: DivakParent = .current,
        _ body: (_ span: DivakSpan, _ headers: [(String, String)]) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withSpan(name, kind: .producer, parent: parent) { span throws(Failure) in
            try body(span, headers(of: span, to: channel))
        }
    }

    /// Sends a message, asynchronously, under a span of kind producer, with headers that carry its ids.
    public func withProducerSpan<Result, Failure: Error>(
        _ name: String = "send",
        to channel: DivakChannel,
        parent: DivakParent = .current,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (_ span: DivakSpan, _ headers: [(String, String)]) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await withSpan(name, kind: .producer, parent: parent) { span async throws(Failure) in
            try await body(span, headers(of: span, to: channel))
        }
    }

    private func headers(of span: DivakSpan, to channel: DivakChannel) -> [(String, String)] {
        channel.describe(span)
        var headers: [(String, String)] = []
        inject(span, isMessage: true, into: &headers)
        return headers
    }
}

// MARK: - Receiving

extension DivakTracer {
    /// Works on a message that arrived under a span of kind consumer, a child of the producer's.
    ///
    /// ```swift
    /// let message = try queue.next()
    /// try tracer.withConsumerSpan(of: orders, parent: tracer.extract(from: message.headers)) { span in
    ///     try ship(message.body)
    /// }
    /// ```
    ///
    /// Unlike a server's, a consumer's span has an id of its own: one message may reach many consumers. A message without
    /// ids begins a new trace.
    public func withConsumerSpan<Result, Failure: Error>(
        _ name: String = "receive",
        of channel: DivakChannel,
        parent: DivakParent,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withSpan(name, kind: .consumer, parent: parent) { span throws(Failure) in
            channel.describe(span)
            return try body(span)
        }
    }

    /// Works on a message, asynchronously, under a span of kind consumer, a child of the producer's.
    public func withConsumerSpan<Result, Failure: Error>(
        _ name: String = "receive",
        of channel: DivakChannel,
        parent: DivakParent,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await withSpan(name, kind: .consumer, parent: parent) { span async throws(Failure) in
            channel.describe(span)
            return try await body(span)
        }
    }
}
