// DivakConfiguration+Attached.swift - handing C what is code rather than text, and refusing what C would misread.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakConfiguration {
    /// What is wrong with values that have to be looked at here, before they become text.
    var refusal: DivakError? {
        func refuse(_ value: String, _ reason: String) -> DivakError {
            DivakError(code: .invalid, message: "\(value) is not accepted: \(reason)")
        }
        if let problem = sampler?.core.problem { return refuse("sampler", problem) }
        for field in baggageFields ?? [] where field.text == nil {
            return refuse(
                "baggageFields: \"\(field.name)\" with headers \(field.headers)",
                "names are tokens of up to 63 bytes, without | and a - at the beginning"
            )
        }
        for (key, value) in tags ?? [:] {
            // Bytes, not characters: a comma with an accent behind it is another one, and C sees the comma.
            let isAccepted = !key.isEmpty && !key.utf8.contains(UInt8(ascii: "="))
            guard isAccepted, !"\(key)\(value)".utf8.contains(UInt8(ascii: ",")) else {
                return refuse("tags \"\(key)\": \"\(value)\"", "keys hold no = and nothing holds a comma")
            }
        }
        for case .zipkin(let endpoint?) in reporters.map(\.storage) where endpoint.utf8.contains(0) {
            // C would read it up to there, and take what is left for the whole.
            return refuse("endpoint \(LogText.quoted(endpoint))", "the text holds a 0")
        }
        return nil
    }

    /// The setting `baggage_fields`.
    var baggageFieldsText: String? {
        guard let baggageFields else { return nil }
        return baggageFields.isEmpty ? "none" : baggageFields.compactMap(\.text).joined(separator: ",")
    }

    /// The setting `tags`.
    var tagsText: String? {
        guard let tags else { return nil }
        return tags.isEmpty ? "none" : tags.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ",")
    }

    /// Attaches sampler, clock, ids and handlers; returns what has to be kept while the tracer may call it.
    func attach(to configuration: OpaquePointer) throws(DivakError) -> [any AnyObject & Sendable] {
        var attached: [any AnyObject & Sendable] = []
        if let sampler {
            attached.append(sampler.core)
            divak_config_set_sampler(configuration, sampler.core.pointer)
        }
        if let idGenerator {
            let source = NumberSource(idGenerator)
            attached.append(source)
            divak_config_set_id_generator(configuration, NumberSource.read, source.context)
        }
        if let clock {
            let source = NumberSource { clock().microsecondsSinceEpoch }
            attached.append(source)
            divak_config_set_clock(configuration, NumberSource.read, source.context)
        }
        if let requestIDGenerator {
            let source = TextSource(requestIDGenerator)
            attached.append(source)
            divak_config_set_request_id_generator(configuration, TextSource.read, source.context)
        }
        for case .supplied(let supply) in reporters.map(\.storage) { attached.append(supply) }
        for propagator in propagators { attached.append(propagator.functions) }
        for handler in handlers {
            attached.append(handler.functions)
            let status = handler.add(to: configuration)
            if status < 0 { throw Self.error(status, "adding a handler", configuration) }
        }
        return attached
    }
}

/// A closure that gives numbers, in a form that a pointer can carry.
private final class NumberSource: Sendable {
    private let next: @Sendable () -> UInt64

    init(_ next: @escaping @Sendable () -> UInt64) {
        self.next = next
    }

    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static let read: @convention(c) (UnsafeMutableRawPointer?) -> UInt64 = { context in
        guard let context else { return 0 }
        return Unmanaged<NumberSource>.fromOpaque(context).takeUnretainedValue().next()
    }
}

/// A closure that gives texts, in a form that a pointer can carry.
private final class TextSource: Sendable {
    private let next: @Sendable () -> String?

    init(_ next: @escaping @Sendable () -> String?) {
        self.next = next
    }

    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// 0 for nil; else the text's length, or more than the room when it is empty or does not fit.
    static let read: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?, Int) -> Int = {
        context,
        out,
        room in
        guard let context, let out else { return 0 }
        guard var text = Unmanaged<TextSource>.fromOpaque(context).takeUnretainedValue().next() else { return 0 }
        return text.withUTF8 { bytes in
            guard (1...room).contains(bytes.count) else { return room + 1 }
            UnsafeMutableRawBufferPointer(start: out, count: room).copyMemory(from: UnsafeRawBufferPointer(bytes))
            return bytes.count
        }
    }
}
