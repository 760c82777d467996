// SPDX-License-Identifier: Apache-2.0
// CheckRefusal.swift - what a message that was not taken tells about the set-up.

/// Why an empty message was not taken, and what may help.
struct CheckRefusal {
    /// The HTTP status of the answer; nil when there was none.
    let status: Int?
    /// Whether it never came to HTTP.
    let isTLS: Bool
    /// What may help.
    let hint: String

    /// Judges the library's words (`http://gate:9411: HTTP 404`).
    ///
    /// - Parameter greeting: What the port says to HTTP without TLS, nil when it can't be asked; called only where the
    ///   words leave it open.
    init(_ words: String, from url: Address, greeting: () -> Probe.Greeting?) {
        let what = String(words.split(separator: ": ", maxSplits: 1).last ?? "").lowercased()
        status = Self.status(in: what)
        if let status {
            isTLS = false
            hint = Self.hint(status)
            return
        }
        let isHandshake = what.contains("ssl") || what.contains("tls")
        if url.isTLS, what.contains("certificate") {
            isTLS = true
            hint = Self.hintCertificate(what, url)
            return
        }
        let found = greeting()
        isTLS = url.isTLS && isHandshake && found != .silent && found != nil
        hint =
            switch found {
            case nil: "does the proxy run, and does it reach the collector?"
            case .silent:
                "it accepts connections and does not answer: does the collector hang, or something else listen there?"
            case .http where isTLS: "that port speaks HTTP without TLS: http:// instead of https://?"
            case _ where isTLS: "it does not speak TLS, or no version of it from 1.2 on"
            case _ where url.isTLS: "it speaks TLS, and does not answer in HTTP: is it the port of the collector?"
            case .tls: "that port speaks TLS: https:// instead of http://?"
            case .http: "what listens there answers, but too slowly or not whole: its log may say why"
            case .other: "what listens there does not speak HTTP: is it the port of the collector, or one for https://?"
            }
    }

    /// The status that the library's words end with, or name.
    private static func status(in words: String) -> Int? {
        guard let found = words.firstMatch(of: /^http ([1-5][0-9]{2})\b/) else { return nil }
        return Int(found.1)
    }

    private static func hint(_ status: Int) -> String {
        switch status {
        case 300..<400: "the address that it leads to belongs in DIVAK_ENDPOINT"
        case 401, 403, 407:
            "somebody before the collector asks who you are: DIVAK_HEADERS, or user:password@ in the endpoint, says so"
        case 429, 503: "the collector has too much to do, or is just starting; spans wait for it, and are sent again"
        case 502, 504: "a gateway does not reach the collector behind it; spans wait for it, and are sent again"
        case 500...: "something is wrong in the collector, whose log says more"
        default: "the path should lead to a Zipkin's /api/v2/spans"
        }
    }

    private static func hintCertificate(_ words: String, _ url: Address) -> String {
        if words.contains("expired") || words.contains("not yet valid") {
            return "does this machine's clock tell the right day? else the certificate has to be renewed"
        }
        if words.contains("host name") || words.contains("subject name") {
            return "the certificate is for other names than \(url.host): the endpoint should use one of them"
        }
        return "DIVAK_CA_FILE names the certificates to trust; nothing turns the check off"
    }
}
