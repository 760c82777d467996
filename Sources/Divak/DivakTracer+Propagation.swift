// DivakTracer+Propagation.swift - carrying a trace from process to process in headers.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

// MARK: - Writing

extension DivakTracer {
    /// Writes the headers for whoever is called next, through a closure that sets one header.
    ///
    /// ```swift
    /// tracer.inject { name, value in request.setValue(value, forHTTPHeaderField: name) }
    /// ```
    ///
    /// - Parameters:
    ///   - span: The caller's span; nil stands for the current one. Unsampled ones are written too.
    ///   - isMessage: Whether the carrier is a message in a queue rather than a request; then `b3` is written alone, as
    ///     Zipkin's rules for messages want it.
    ///   - set: Called with each name and value. It should replace, not add: two values for one name are as good as none.
    public func inject(
        _ span: DivakSpan? = nil,
        isMessage: Bool = false,
        into set: (_ name: String, _ value: String) -> Void
    ) {
        guard let span = span ?? .current else { return }
        let newID = DivakRequest.newID(for: span)
        let set = { (name: String, value: String) in
            set(name, newID.map { isSameHeader($0.header, name) ? $0.id : value } ?? value)
        }
        withoutActuallyEscaping(set) { set in
            withUnsafePointer(to: HeaderSink(set: set)) { sink in
                withUnsafePointer(to: span.handle) { handle in
                    let context = UnsafeMutableRawPointer(mutating: sink)
                    if isMessage {
                        _ = divak_inject_message(pointer, handle, HeaderSink.put, context)
                    } else {
                        _ = divak_inject(pointer, handle, HeaderSink.put, context)
                    }
                }
            }
        }
    }

    /// Writes the headers into a list, in place of those of the same name in whatever case.
    ///
    /// ```swift
    /// var headers = [("host", "example.org")]
    /// tracer.inject(into: &headers)
    /// ```
    public func inject(_ span: DivakSpan? = nil, isMessage: Bool = false, into headers: inout [(String, String)]) {
        var written = headers
        inject(span, isMessage: isMessage) { name, value in
            written.removeAll { isSameHeader($0.0, name) }
            written.append((name, value))
        }
        headers = written
    }

    /// Writes the headers into a dictionary, in place of those of the same name in whatever case.
    public func inject(_ span: DivakSpan? = nil, isMessage: Bool = false, into headers: inout [String: String]) {
        var written = headers
        inject(span, isMessage: isMessage) { name, value in
            for old in written.keys where isSameHeader(old, name) { written[old] = nil }
            written[name] = value
        }
        headers = written
    }

    /// The names of all headers that the tracer may write or read: for clearing a request that is used again.
    public var propagationHeaders: [String] {
        var names: [String] = []
        while let name = divak_propagation_header(pointer, names.count) { names.append(String(cString: name)) }
        return names
    }
}

// MARK: - Reading

extension DivakTracer {
    /// Reads what a caller sent, through a closure that finds the values of a header by its lower-case name.
    ///
    /// ```swift
    /// let parent = tracer.extract { name in request.headers[name] }
    /// try await tracer.withSpan("get /users", kind: .server, parent: parent) { span in ... }
    /// ```
    ///
    /// Headers that can't be trusted are as if they were absent, and counted. Without headers the result stands for a
    /// new trace, not for the current span.
    public func extract(from values: (_ name: String) -> [String]) -> DivakParent {
        DivakParent(extracted: extractHandle(values))
    }

    /// The same as a handle, whose baggage is the caller's to release.
    func extractHandle(_ values: (_ name: String) -> [String]) -> divak_span {
        withoutActuallyEscaping(values) { values in
            var handle = divak_span()
            var source = HeaderSource(values: values)
            withUnsafeMutablePointer(to: &source) { source in
                _ = divak_extract(pointer, HeaderSource.get, source, &handle)
                source.pointee.release()
            }
            return handle
        }
    }

    /// Reads what a caller sent from a list of headers, in whatever case.
    ///
    /// ```swift
    /// let parent = tracer.extract(from: [("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")])
    /// ```
    public func extract(from headers: [(String, String)]) -> DivakParent {
        extract(from: headers, count: headers.count)
    }

    /// Reads what a caller sent from a dictionary of headers, in whatever case.
    public func extract(from headers: [String: String]) -> DivakParent {
        extract(from: headers.lazy.map { ($0.key, $0.value) }, count: headers.count)
    }

    private func extract(from headers: some Sequence<(String, String)>, count: Int) -> DivakParent {
        var handle = divak_span()
        var arena: [UInt8] = []
        var lengths: [(name: Int, value: Int)] = []
        lengths.reserveCapacity(count)
        for (name, value) in headers {
            lengths.append((name.utf8.count, value.utf8.count))
            arena.append(contentsOf: name.utf8)
            arena.append(contentsOf: value.utf8)
        }
        arena.withUnsafeBytes { arena in
            var list: [divak_header] = []
            list.reserveCapacity(lengths.count)
            var at = arena.bindMemory(to: CChar.self).baseAddress
            for length in lengths {
                let value = at.map { $0 + length.name }
                list.append(
                    divak_header(name: at, name_length: length.name, value: value, value_length: length.value)
                )
                at = value.map { $0 + length.value }
            }
            _ = divak_extract_headers(pointer, list, list.count, &handle)
        }
        return DivakParent(extracted: handle)
    }
}

// MARK: - The two callbacks

/// Where C puts headers: the context of `put` points at one.
struct HeaderSink {
    let set: (String, String) -> Void

    static let put: divak_put_header = { context, name, nameCount, value, valueCount in
        guard let sink = context?.assumingMemoryBound(to: HeaderSink.self) else { return }
        sink.pointee.set(String(bytes: name, count: nameCount), String(bytes: value, count: valueCount))
    }
}

/// Where C finds headers: the context of `get` points at one.
///
/// What it lent stays until `release`.
private struct HeaderSource {
    let values: (String) -> [String]
    var name = ""
    var found: [String] = []
    var lent: [UnsafeMutableBufferPointer<CChar>] = []

    static let get: divak_get_header = { context, name, nameCount, index, value, valueCount in
        guard let source = context?.assumingMemoryBound(to: HeaderSource.self) else { return false }
        let name = String(bytes: name, count: nameCount)
        guard let bytes = source.pointee.lend(name, index) else { return false }
        value?.pointee = UnsafePointer(bytes.baseAddress)
        valueCount?.pointee = bytes.count
        return true
    }

    init(values: @escaping (String) -> [String]) {
        self.values = values
    }

    /// The values of one name are asked for once, for C comes for them one after the other.
    mutating func lend(_ wanted: String, _ index: Int) -> UnsafeMutableBufferPointer<CChar>? {
        if wanted != name {
            name = wanted
            found = values(wanted)
        }
        guard found.indices.contains(index) else { return nil }
        let text = found[index].utf8
        // One byte more, so that an empty value has an address too.
        let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: text.count + 1)
        _ = buffer.initialize(from: text.lazy.map { CChar(bitPattern: $0) })
        lent.append(buffer)
        return UnsafeMutableBufferPointer(start: buffer.baseAddress, count: text.count)
    }

    mutating func release() {
        for buffer in lent { buffer.deallocate() }
        lent = []
    }
}
