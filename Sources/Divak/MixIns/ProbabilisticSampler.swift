// ProbabilisticSampler.swift - mix-in for applications: how much is sampled.
// SPDX-License-Identifier: Apache-2.0

/// Lets an application sample a share of its traces.
///
/// ```swift
/// try setDivakSampleProbability(1.0 / 1000.0)
/// ```
public protocol ProbabilisticSampler {
    /// What holds the settings, and later the tracer.
    var divak: DivakApplication { get }
}

extension ProbabilisticSampler {
    /// Samples this share of the new traces, 0 to 1.
    ///
    /// Traces that began elsewhere are sampled as was decided there.
    public func setDivakSampleProbability(_ probability: Double) throws(DivakError) {
        try divak.setSampleProbability(probability)
    }
}
