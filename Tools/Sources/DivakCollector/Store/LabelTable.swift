// SPDX-License-Identifier: Apache-2.0
// LabelTable.swift - the combinations of service, span name and remote service that stored spans have, counted.
//
// A span refers to its combination by a number. Lists of names come from here, and a search tests numbers, not text. A
// combination goes when its last span goes, so that names which never repeat don't pile up.

struct Label {
    /// Empty when the span says nothing.
    var service: [UInt8]
    var name: [UInt8]
    var remote: [UInt8]
    var hash: UInt64
    /// How many spans refer to it; 0: the place is free.
    var references: Int
    /// The next with the same hash, plus one.
    var sameHash: UInt32
}

struct LabelTable {
    private(set) var labels: [Label] = []
    /// What keeping the texts costs, as an estimate.
    private(set) var cost = 0
    private var free: [UInt32] = []
    private var byHash: [UInt64: UInt32] = [:]

    /// Counts one more span with this combination.
    mutating func acquire(_ service: Text, _ name: Text, _ remote: Text, hash: UInt64) -> UInt32 {
        let first = byHash[hash] ?? 0
        var at = first
        while at != 0 {
            let index = at - 1
            if labels[Int(index)].isSame(service, name, remote) {
                labels[Int(index)].references += 1
                return index
            }
            at = labels[Int(index)].sameHash
        }
        let label = Label(
            service: Array(service),
            name: Array(name),
            remote: Array(remote),
            hash: hash,
            references: 1,
            sameHash: first
        )
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
            labels[Int(index)] = label
        } else {
            index = UInt32(labels.count)
            labels.append(label)
        }
        byHash[hash] = index + 1
        cost += label.cost
        return index
    }

    /// Counts one span less.
    mutating func release(_ index: UInt32) {
        labels[Int(index)].references -= 1
        if labels[Int(index)].references > 0 { return }
        let label = labels[Int(index)]
        if byHash[label.hash] == index + 1 {
            byHash[label.hash] = label.sameHash == 0 ? nil : label.sameHash
        } else if var at = byHash[label.hash] {
            while labels[Int(at - 1)].sameHash != index + 1 { at = labels[Int(at - 1)].sameHash }
            labels[Int(at - 1)].sameHash = label.sameHash
        }
        cost -= label.cost
        labels[Int(index)] = Label(service: [], name: [], remote: [], hash: 0, references: 0, sameHash: 0)
        free.append(index)
    }

    /// Distinct texts of the labels in use, sorted, without the empty one.
    func names(_ text: (Label) -> [UInt8]?) -> [String] {
        var found: Set<[UInt8]> = []
        for label in labels where label.references > 0 {
            if let name = text(label), !name.isEmpty { found.insert(name) }
        }
        return found.sorted { left, right in
            left.withUnsafeBufferPointer { left in right.withUnsafeBufferPointer { left.precedes($0) } }
        }.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension Label {
    /// The label, its place among the hashes, and an allocation for each text.
    fileprivate var cost: Int {
        [service, name, remote].reduce(72) { $0 + ($1.isEmpty ? 0 : 40 + $1.count) }
    }

    func isSame(_ service: Text, _ name: Text, _ remote: Text) -> Bool {
        self.service.withUnsafeBufferPointer { $0.equals(service) }
            && self.name.withUnsafeBufferPointer { $0.equals(name) }
            && self.remote.withUnsafeBufferPointer { $0.equals(remote) }
    }
}
