// main.swift - makes one span and prints it.
// SPDX-License-Identifier: Apache-2.0

import Divak

var configuration = DivakConfiguration(serviceName: "alone")
configuration.reporters = [.console(fileDescriptor: 1)]
let tracer = try DivakTracer(configuration)
tracer.withSpan("hello") { $0.tag("who", "world") }
try await tracer.shutdown()
