// SPDX-License-Identifier: Apache-2.0
// Gunzip.swift - gzip bodies, inflated up to a limit.

import CZlib

enum GunzipError: Error, Equatable {
    /// Not gzip, or damaged, or cut off.
    case damaged
    /// Inflates to more than the limit.
    case tooLarge
}

/// Inflates a gzip body of one or more members.
func gunzip(_ body: [UInt8], limit: Int) throws(GunzipError) -> [UInt8] {
    var stream = z_stream()
    // 16 more than the window's bits: gzip and nothing else.
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw .damaged
    }
    defer { inflateEnd(&stream) }
    var out: [UInt8] = []
    out.reserveCapacity(min(limit, 4 * body.count))
    let result: Result<Void, GunzipError> = body.withUnsafeBufferPointer { input in
        guard let from = input.baseAddress else { return .failure(.damaged) }
        // zlib takes its input by a pointer to what it never changes.
        stream.next_in = UnsafeMutablePointer(mutating: from)
        stream.avail_in = UInt32(input.count)
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << 16) { piece in
            while true {
                stream.next_out = piece.baseAddress
                stream.avail_out = UInt32(piece.count)
                let status = inflate(&stream, Z_NO_FLUSH)
                let count = piece.count - Int(stream.avail_out)
                if out.count + count > limit { return .failure(.tooLarge) }
                out.append(contentsOf: UnsafeBufferPointer(rebasing: piece[..<count]))
                if status == Z_STREAM_END {
                    if stream.avail_in == 0 { return .success(()) }
                    guard inflateReset(&stream) == Z_OK else { return .failure(.damaged) }
                } else if status != Z_OK || (count == 0 && stream.avail_in == 0) {
                    return .failure(.damaged)
                }
            }
        }
    }
    try result.get()
    return out
}
