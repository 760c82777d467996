// main.swift - what a span costs the Swift program that makes it, beside a bare task-local binding of the same run.
// SPDX-License-Identifier: Apache-2.0
//
//     swift run -c release --package-path Benchmarks DivakBenchmarks [ROUNDS [TABLE [ROW]]]
//
// TABLE and ROW are parts of the headings and names that are wanted.

import Divak
import Tracing

var configuration = DivakConfiguration(serviceName: "bench")
configuration.readsEnvironment = false
configuration.reporters = [.none]
configuration.settings = ["service_ip": "none", "flush_interval": "10ms"]
let tracer = try DivakTracer(configuration)
let arguments = CommandLine.arguments
let rounds = arguments.dropFirst().first.flatMap { Int($0) } ?? 200
let table = arguments.dropFirst(2).first ?? ""
let row = arguments.dropFirst(3).first ?? ""

await Task.detached { await measureAll(tracer, rounds: rounds, heading: table, row: row) }.value

let statistics = tracer.statistics
let (started, dropped) = (statistics.started, statistics.droppedInAll)
print("\n\(dropped) of \(started) spans were dropped; one that is costs less than one that is kept.")
try? await tracer.shutdown()
