// DivakSampler.swift - which traces are recorded, as a value.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
import Dispatch

/// Decides which traces are recorded.
///
/// ```swift
/// configuration.sampler = .rules(
///     [
///         DivakSamplingRule(path: "/health", then: .never),
///         DivakSamplingRule(method: "POST", path: "/orders", then: .rate(perSecond: 100)),
///     ],
///     otherwise: .probability(0.1)
/// )
/// ```
///
/// A sampler is asked once for each new trace, and for spans whose caller left the decision open; what the caller decided
/// stands, unless a rule may override it. It may be shared by tracers, which then share its counts. A value out of range
/// is refused when the tracer is made.
public struct DivakSampler: Sendable {
    let core: Core

    /// Every trace.
    public static let always = DivakSampler(core: Core(pointer: divak_sampler_always()))

    /// No trace.
    public static let never = DivakSampler(core: Core(pointer: divak_sampler_never()))

    /// A share of the traces, 0 to 1, exact down to a billionth.
    ///
    /// Decided by the trace's id: two processes with the same share choose the same traces.
    public static func probability(_ share: Double) -> DivakSampler {
        DivakSampler("probability(\(share)): a number from 0 to 1 is accepted") {
            divak_sampler_create_probability(share, $0)
        }
    }

    /// Exactly so many of each 100 traces that begin one after the other, 0 to 100, in a shuffled order.
    public static func counting(_ sampled: Int) -> DivakSampler {
        DivakSampler("counting(\(sampled)): a number from 0 to 100 is accepted") {
            divak_sampler_create_counting(UInt32(clamping: sampled < 0 ? Int.max : sampled), $0)
        }
    }

    /// At most so many traces each second, 0 to 2^31, spread over its tenths.
    public static func rate(perSecond traces: Int) -> DivakSampler {
        DivakSampler("rate(perSecond: \(traces)): a number from 0 to 2147483648 is accepted") {
            divak_sampler_create_rate(UInt32(clamping: traces < 0 ? Int.max : traces), $0)
        }
    }

    /// Traces whose id, its low 64 bits, divided by a number leaves no remainder.
    public static func modulo(_ divisor: UInt64) -> DivakSampler {
        DivakSampler("modulo(\(divisor)): 1 or more is accepted") { divak_sampler_create_modulo(divisor, $0) }
    }

    /// Rules in order: the first that matches and does not defer decides, or else the sampler behind them.
    ///
    /// At most 64 rules, and 8 lists of rules behind one another.
    public static func rules(_ rules: [DivakSamplingRule], otherwise: DivakSampler = .never) -> DivakSampler {
        DivakSampler(core: Core(rules: rules, otherwise: otherwise))
    }

    /// A sampler for each operation, by the name of its span.
    ///
    /// ```swift
    /// configuration.sampler = .operations(["checkout": .always, "poll": .probability(0.001)], otherwise: .always)
    /// ```
    ///
    /// Asking costs the same for two operations and for thousands; at most 4,096. Every other name, and what an
    /// operation's sampler defers, is for the sampler behind them.
    public static func operations(
        _ samplers: [String: DivakSampler],
        otherwise: DivakSampler = .never
    ) -> DivakSampler {
        DivakSampler(core: Core(operations: samplers, otherwise: otherwise))
    }

    /// A sampler of your own.
    ///
    /// ```swift
    /// configuration.sampler = .custom { request in
    ///     request.method == "GET" ? tenth.decide(request) : .sample
    /// }
    /// ```
    ///
    /// Called on the thread that starts the span, by several at once; it must not block, nor start spans.
    ///
    /// - Parameter decide: What it answers with `.defer` is left to the next rule, and is `.drop` where nothing follows.
    public static func custom(
        _ decide: @escaping @Sendable (_ request: DivakSamplingRequest) -> DivakDecision
    ) -> DivakSampler {
        DivakSampler(core: Core(custom: decide))
    }

    /// Asks, as a tracer would; asking counts for those that count.
    public func decide(_ request: DivakSamplingRequest) -> DivakDecision {
        request.withRequest { DivakDecision(rawValue: divak_sampler_ask(core.pointer, $0)) }
    }
}

extension DivakSampler {
    private init(_ problem: String, make: (UnsafeMutablePointer<OpaquePointer?>) -> Int32) {
        var pointer: OpaquePointer?
        let status = make(&pointer)
        core = Core(pointer: pointer, problem: Self.problem(status, problem))
    }

    private static func problem(_ status: Int32, _ words: String) -> String? {
        switch status {
        case 0...: nil
        case Int32(DIVAK_ERROR_INVALID): words
        default: String(cString: divak_status_text(status))
        }
    }

    /// Owns a sampler of C, and keeps what that points at.
    ///
    /// Whoever made a tracer with it keeps it for as long as the tracer may ask (Attachments.swift).
    final class Core: Sendable {
        /// May be asked by all threads at once (divak/sampler.h); nil when it could not be made, and then drops.
        nonisolated(unsafe) let pointer: OpaquePointer?
        /// Why it could not be made.
        let problem: String?
        private let named: [Core]
        private let decide: Decide?

        // Naming a list of rules marks it, which two threads must not do at once.
        private static let lock = DispatchQueue(label: "divak.samplers")

        final class Decide: Sendable {
            let body: @Sendable (DivakSamplingRequest) -> DivakDecision

            init(_ body: @escaping @Sendable (DivakSamplingRequest) -> DivakDecision) {
                self.body = body
            }
        }

        init(pointer: OpaquePointer?, problem: String? = nil) {
            self.pointer = pointer
            self.problem = problem
            named = []
            decide = nil
        }

        init(custom body: @escaping @Sendable (DivakSamplingRequest) -> DivakDecision) {
            let decide = Decide(body)
            var pointer: OpaquePointer?
            let status = divak_sampler_create_custom(
                { context, request in
                    guard let context, let request else { return DivakDecision.drop.rawValue }
                    let decide = Unmanaged<Decide>.fromOpaque(context).takeUnretainedValue()
                    return decide.body(DivakSamplingRequest(request.pointee)).rawValue
                },
                Unmanaged.passUnretained(decide).toOpaque(),
                &pointer
            )
            self.pointer = pointer
            problem = DivakSampler.problem(status, "custom")
            named = []
            self.decide = decide
        }

        init(rules: [DivakSamplingRule], otherwise: DivakSampler) {
            var problem = otherwise.core.problem
            var made: OpaquePointer?
            Self.lock.sync {
                let status = divak_sampler_create_rules(otherwise.core.pointer, &made)
                problem = problem ?? DivakSampler.problem(status, "rules: at most 8 lists behind one another")
                for (index, rule) in rules.enumerated() where problem == nil {
                    problem = rule.add(to: made).map { "rule \(index + 1) of \(rules.count), \(rule): \($0)" }
                }
            }
            pointer = made
            self.problem = problem
            named = rules.map(\.sampler.core) + [otherwise.core]
            decide = nil
        }

        init(operations samplers: [String: DivakSampler], otherwise: DivakSampler) {
            var problem = otherwise.core.problem
            var made: OpaquePointer?
            Self.lock.sync {
                let status = divak_sampler_create_operations(otherwise.core.pointer, &made)
                problem = problem ?? DivakSampler.problem(status, "operations: at most 8 lists behind one another")
                for (name, sampler) in samplers where problem == nil {
                    problem = Self.add(name, sampler.core, to: made).map { "operation \"\(name)\": \($0)" }
                }
            }
            pointer = made
            self.problem = problem
            named = samplers.values.map(\.core) + [otherwise.core]
            decide = nil
        }

        /// Adds an operation to a list of C; what is wrong with it, or nil.
        private static func add(_ name: String, _ sampler: Core, to operations: OpaquePointer?) -> String? {
            if let problem = sampler.problem { return problem }
            // C reads texts up to a 0, and would take what is left for the whole.
            guard !name.utf8.contains(0) else { return "a name holds a 0" }
            switch divak_sampler_add_operation(operations, name, sampler.pointer) {
            case 0...: return nil
            case Int32(DIVAK_ERROR_FULL): return "at most 4096 operations are accepted"
            case Int32(DIVAK_ERROR_INVALID): return "at most 8 lists of rules behind one another are accepted"
            case let status: return String(cString: divak_status_text(status))
            }
        }

        deinit {
            // Before those that it names; the two that always exist are left alone by C.
            divak_sampler_destroy(pointer)
        }
    }
}
