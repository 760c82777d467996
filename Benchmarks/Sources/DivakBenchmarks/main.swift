// main.swift - what a span costs the Swift program that makes it, beside a bare task-local binding of the same run.
// SPDX-License-Identifier: Apache-2.0
//
//     swift run -c release --package-path Benchmarks DivakBenchmarks [ROUNDS]

import Divak
import Tracing

var configuration = DivakConfiguration(serviceName: "bench")
configuration.readsEnvironment = false
configuration.reporters = [.none]
configuration.settings = ["service_ip": "none", "flush_interval": "10ms"]
let tracer = try DivakTracer(configuration)
let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 200

await Task.detached { await measureAll(tracer, rounds: rounds) }.value
try await tracer.shutdown()
