// DivakSpan+Baggage.swift - values that travel with a trace from process to process.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakSpan {
    /// A value that travels with the trace, or nil when the span carries none of that name.
    ///
    /// ```swift
    /// let country = DivakSpan.current?.baggage("country-code")
    /// ```
    public func baggage(_ name: String) -> String? {
        guard handle.baggage != 0 else { return nil }
        var capacity = 128
        // Another thread can't make the value longer between two rounds: this copy of the handle keeps its baggage.
        for _ in 0..<2 {
            var count = 0
            var status = Int32(DIVAK_ABSENT)
            let value = name.withBytes { name, nameCount in
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
                    status = withUnsafePointer(to: handle) {
                        divak_span_baggage($0, name, nameCount, buffer.baseAddress, capacity, &count)
                    }
                    return status == DIVAK_OK ? String(bytes: buffer.baseAddress, count: count) : nil
                }
            }
            if status != DIVAK_ERROR_TRUNCATED { return value }
            capacity = count + 1
        }
        return nil
    }

    /// Sets a value for this span and the children that start after; nil removes it.
    ///
    /// ```swift
    /// var span = span
    /// try span.setBaggage("country-code", "is")
    /// span.withCurrent { callOthers() }
    /// ```
    ///
    /// Copies made earlier keep the baggage they had, the current span among them: hence the `withCurrent`.
    ///
    /// - Throws: `.invalid` for a name that is not declared (setting `baggage_fields`) while the format `baggage` is off,
    ///   or is no token; `.full` when the room for baggage is used up; `.stale` for a span of a tracer that does nothing.
    public mutating func setBaggage(_ name: String, _ value: String?) throws(DivakError) {
        // A span of a tracer that does nothing is all zeros, which to C is what a first tracer extracted from nothing.
        if handle.span_id == 0, handle.flags == 0, handle.slot == 0 {
            throw DivakError(status: Int32(DIVAK_ERROR_STALE), while: "setting baggage \"\(name)\"")
        }
        let status = name.withBytes { name, nameCount in
            guard let value else { return divak_span_set_baggage(&handle, name, nameCount, nil, 0) }
            return value.withBytes { divak_span_set_baggage(&handle, name, nameCount, $0, $1) }
        }
        if status < 0 { throw DivakError(status: status, while: "setting baggage \"\(name)\"") }
    }
}
