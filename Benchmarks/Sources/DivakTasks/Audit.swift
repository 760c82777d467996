// Audit.swift - compares what was reported with what the tasks did.
// SPDX-License-Identifier: Apache-2.0

import DivakTesting

struct Audit {
    private(set) var cancelled = 0
    private(set) var reported = 0
    private(set) var missing = 0
    private(set) var wrongParents = 0
    private(set) var wrongErrors = 0

    /// A task threw: only those that were cancelled do.
    mutating func failed(_ number: Int) {
        if isCancelled(number) { cancelled += 1 } else { wrongErrors += 1 }
    }

    /// Each span of these tasks was reported once, under the right parent, with an error if its task was cancelled in it.
    mutating func look(at spans: [CapturedSpan], of numbers: Range<Int>) {
        reported += spans.count
        var byName: [String: CapturedSpan] = [:]
        for span in spans { byName[span.name ?? ""] = span }
        for number in numbers {
            for (name, parent) in Places.parents {
                guard let span = byName["\(name) \(number)"] else {
                    missing += 1
                    continue
                }
                let above = parent.flatMap { byName["\($0) \(number)"] }
                if span.parentID != above?.id { wrongParents += 1 }
                if let above, above.traceID != span.traceID { wrongParents += 1 }
                let isThrownThrough = isCancelled(number) && (name == "outer" || name == "inner")
                if (span.error != nil) != isThrownThrough { wrongErrors += 1 }
            }
        }
    }
}
