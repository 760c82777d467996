// DivakWeb.swift - the trace view as a web server serves it: files by path, and the headers that go with them.
// SPDX-License-Identifier: Apache-2.0

internal import CDivakWeb

/// The trace view: a page that shows what a Zipkin-compatible API under the same address holds.
///
/// ```swift
/// if let file = DivakWeb.file(path: request.path) {
///     respond(200, DivakWeb.headers + [("content-type", file.contentType)], file.bytes)
/// }
/// ```
///
/// The files are part of the program: it needs nothing beside itself, wherever it is installed. The page asks
/// `/api/v2/...`, and `/api/divak/tail` for a stream of server-sent events, each with a span or a list of spans as its
/// data; without that stream it asks again every three seconds.
public enum DivakWeb {
    /// The file at a path of the server, or nil when the trace view has none there.
    ///
    /// Pages are `/`, `/zipkin`, `/zipkin/dependency` and `/zipkin/traces/{id}`, as Zipkin has them; all of them are the
    /// same document. What it loads is below `/assets/`. The path comes without its query.
    public static func file(path: String) -> (bytes: [UInt8], contentType: String)? {
        entry(path: path).map { ($0.bytes, $0.contentType) }
    }

    /// The strong entity tag of the file at a path, with its quotation marks, or nil when there is none.
    ///
    /// A request whose `if-none-match` holds it needs no more than 304.
    public static func entityTag(path: String) -> String? {
        entry(path: path)?.tag
    }

    /// Whether the value of an `if-none-match` header names a tag, so that 304 is the answer.
    ///
    /// The header is a list of tags or a star; a tag may be marked as weak (`W/"..."`).
    public static func matches(_ ifNoneMatch: String?, _ tag: String) -> Bool {
        guard let ifNoneMatch else { return false }
        return ifNoneMatch.split(separator: ",").contains { part in
            let given = part.drop { $0 == " " }
            return given.hasPrefix("*") || (given.hasPrefix("W/") ? given.dropFirst(2) : given).hasPrefix(tag)
        }
    }

    /// Headers for every answer that carries one of the files.
    ///
    /// The policy lets the page load and ask nothing but this server, run no script and no style but the files, and turn
    /// no text into markup, whatever is in a span. `no-cache` makes a browser ask whether it has the current version.
    public static let headers: [(name: String, value: String)] = [
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
                + "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ]

    /// All paths that are files of their own, without the pages.
    public static var paths: [String] { files.keys.sorted() }

    struct Entry {
        let bytes: [UInt8]
        let contentType: String
        let tag: String
    }

    private static func entry(path: String) -> Entry? {
        if let file = files[path] { return file }
        if path == "/favicon.ico" { return files["/assets/mark.svg"] }
        return isPage(path) ? files["/index.html"] : nil
    }

    /// Whether a path is an address of the page; the page itself reads which.
    private static func isPage(_ path: String) -> Bool {
        var parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard path.hasPrefix("/") else { return false }
        if parts.first == "zipkin" { parts.removeFirst() }
        switch parts.first {
        case nil: return true
        case "dependency", "dependencies": return parts.count == 1
        case "traces", "trace": return parts.count == 2
        default: return false
        }
    }

    private static let files: [String: Entry] = {
        var files: [String: Entry] = [:]
        var index = 0
        while let file = divak_web_file_at(index)?.pointee {
            let bytes = [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.size))
            files[String(cString: file.path)] = Entry(
                bytes: bytes,
                contentType: String(cString: file.content_type),
                tag: tag(of: bytes)
            )
            index += 1
        }
        return files
    }()

    /// Length and a 64-bit FNV-1a hash: the files are ours, so nobody looks for two of one tag.
    private static func tag(of bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return "\"\(String(bytes.count, radix: 36))-\(String(hash, radix: 36))\""
    }
}
