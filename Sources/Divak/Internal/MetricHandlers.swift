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
        var identity = Identity(type: ObjectIdentifier(Never.self), address: 0)
        var timers: [String: CoreMetrics.Timer] = [:]
        var counters: [String: Counter] = [:]
    }

    private struct Identity: Equatable {
        var type: ObjectIdentifier
        var address: UInt
    }

    private static let kept = Locked(Kept())

    /// Adds a duration to the timer of a name.
    static func record(_ name: String, nanoseconds: Int64) {
        let factory = MetricsSystem.factory
        let timer = kept.withLock { kept in
            guard begin(&kept, factory) else { return nil as CoreMetrics.Timer? }
            if let timer = kept.timers[name] { return timer }
            if kept.timers.count >= limit { kept.timers = [:] }
            let timer = CoreMetrics.Timer(label: name, factory: factory)
            kept.timers[name] = timer
            return timer
        }
        (timer ?? CoreMetrics.Timer(label: name, factory: factory)).recordNanoseconds(nanoseconds)
    }

    /// Adds to the counter of a name.
    static func count(_ name: String, by amount: Int) {
        let factory = MetricsSystem.factory
        let counter = kept.withLock { kept in
            guard begin(&kept, factory) else { return nil as Counter? }
            if let counter = kept.counters[name] { return counter }
            if kept.counters.count >= limit { kept.counters = [:] }
            let counter = Counter(label: name, factory: factory)
            kept.counters[name] = counter
            return counter
        }
        (counter ?? Counter(label: name, factory: factory)).increment(by: amount)
    }

    /// Sees to it that what is kept is this factory's; false when it has no identity to remember it by, as a struct.
    private static func begin<Factory: MetricsFactory>(_ kept: inout Kept, _ factory: Factory) -> Bool {
        let type = ObjectIdentifier(Factory.self)
        // A type that is kept is a class: no need to ask the runtime again.
        guard type == kept.identity.type || Factory.self is AnyClass else { return false }
        let identity = Identity(type: type, address: address(factory))
        if identity != kept.identity { kept = Kept(factory: factory, identity: identity) }
        return true
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
