// MetricHandlers.swift - timers and counters of swift-metrics, made once a name.
// SPDX-License-Identifier: Apache-2.0
//
// Making one asks the metrics backend, which looks its label up behind a lock and may allocate. Here a name costs one
// look into a dictionary. The handlers belong to the factory that made them: when another one is current (bootstrapped
// later, or bound to a task by a test), all begin anew.

internal import CoreMetrics
internal import Logging

enum MetricHandlers {
    /// How many names are kept; beyond that all begin anew, so that names made from data do not grow without bound.
    static let limit = 1024

    private struct Kept {
        /// Whose handlers these are; held, so that its address can't become another factory's.
        var factory: (any MetricsFactory)?
        var type = ObjectIdentifier(Never.self)
        var address: UInt = 0
        var timers: [String: CoreMetrics.Timer] = [:]
        var counters: [String: Counter] = [:]

        func isOf<Factory: MetricsFactory>(_ factory: Factory) -> Bool {
            type == ObjectIdentifier(Factory.self) && address == MetricHandlers.address(factory)
        }
    }

    private static let kept = Locked(Kept())

    /// Adds a duration to the timer of a name.
    static func record(_ name: String, nanoseconds: Int64) {
        let factory = MetricsSystem.factory
        let known = kept.withLock { $0.isOf(factory) ? $0.timers[name] : nil }
        let timer = known ?? CoreMetrics.Timer(label: name, factory: factory)
        if known == nil { keep(factory) { $0.timers[name] = timer } }
        timer.recordNanoseconds(nanoseconds)
    }

    /// Adds to the counter of a name.
    static func count(_ name: String, by amount: Int) {
        let factory = MetricsSystem.factory
        let known = kept.withLock { $0.isOf(factory) ? $0.counters[name] : nil }
        let counter = known ?? Counter(label: name, factory: factory)
        if known == nil { keep(factory) { $0.counters[name] = counter } }
        counter.increment(by: amount)
    }

    /// Adds to what is kept of a factory, unless it has no identity to remember it by, as a struct.
    ///
    /// What is added was made outside of the lock, and what goes goes there: both run code of the metrics backend, which
    /// may count by itself.
    private static func keep<Factory: MetricsFactory>(_ factory: Factory, _ add: (inout Kept) -> Void) {
        guard Factory.self is AnyClass else { return }
        let gone = kept.withLock { kept in
            var gone: Kept?
            if !kept.isOf(factory) || kept.timers.count >= limit || kept.counters.count >= limit {
                gone = kept
                kept = Kept(factory: factory, type: ObjectIdentifier(Factory.self), address: address(factory))
            }
            add(&kept)
            return gone
        }
        _ = gone
    }

    /// The address of an instance of a class, which is all that a value of such a type is.
    private static func address<Instance>(_ instance: Instance) -> UInt {
        withUnsafeBytes(of: instance) { $0.count == MemoryLayout<UInt>.size ? $0.load(as: UInt.self) : 0 }
    }

    /// Says, once a process, that a counter was asked to go down.
    static let warnOfNegative: Void = {
        Logger(label: "divak").warning(
            "countEvent was given a negative number: counters only go up, so it was left out"
        )
    }()
}
