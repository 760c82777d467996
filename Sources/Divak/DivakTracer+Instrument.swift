// DivakTracer+Instrument.swift - headers in and out by way of a ServiceContext.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
public import Tracing

extension DivakTracer: Instrument {
    /// Reads what a caller sent, and puts it into a context: ids, tracestate, baggage, request id.
    ///
    /// The context gets an entry in any case: where no caller is named, it says that a new trace is to begin.
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        let handle = extractHandle { name in
            if let value = extractor.extract(key: name, from: carrier) { return [value] }
            // Carriers that tell large letters from small ones have these as B3 writes them.
            guard name.hasPrefix("x-b3-"), let written = Self.b3Names[name] else { return [] }
            return extractor.extract(key: written, from: carrier).map { [$0] } ?? []
        }
        context[DivakContextKey.self] = SpanCompanion(of: handle, isExtracted: true)
    }

    /// Writes the headers for whoever is called next from a context.
    public func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        withExtendedLifetime(context) {
            let current = CurrentSpan.resolve(CurrentSpan.lentEntry(of: context))
            inject(DivakSpan(handle: current.handle)) { name, value in
                injector.inject(value, forKey: name, into: &carrier)
            }
        }
    }

    private static let b3Names: [String: String] = [
        "x-b3-traceid": "X-B3-TraceId",
        "x-b3-spanid": "X-B3-SpanId",
        "x-b3-parentspanid": "X-B3-ParentSpanId",
        "x-b3-sampled": "X-B3-Sampled",
        "x-b3-flags": "X-B3-Flags",
    ]
}
