// EndpointTests.swift - addresses that are taken and those that are not.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

extension Everything {
    @Suite struct EndpointTests {
        @Test(arguments: ["192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80", "192.0.2.1, 10.0.0.1"])
        func a_literal_address_is_taken(text: String) {
            #expect(DivakEndpoint(address: text).hasAddress)
        }

        @Test(arguments: ["", "example.org", "192.0.2", "192.0.2.256", "[2001:db8::1", "2001:db8::1::2", ":80"])
        func anything_else_changes_nothing(text: String) {
            var endpoint = DivakEndpoint(service: "db", port: 5432)
            let isTaken = endpoint.setAddress(text)
            #expect(!isTaken)
            #expect(!endpoint.hasAddress)
            #expect(endpoint.port == 5432)
        }

        @Test func both_addresses_and_the_name_are_reported() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("call", kind: .client) { span in
                    var remote = DivakEndpoint(service: "db", address: "192.0.2.1:80")
                    remote.setAddress("2001:db8::1")
                    span.setRemote(remote)
                    span.setLocal(DivakEndpoint(service: "other", port: 99))
                }
                let span = try await collector.spans(of: tracer).only("call")
                #expect(span.remoteEndpoint?.serviceName == "db")
                #expect(span.remoteEndpoint?.ipv4 == "192.0.2.1")
                #expect(span.remoteEndpoint?.ipv6 == "2001:db8::1")
                #expect(span.localEndpoint?.serviceName == "other")
                #expect(span.localEndpoint?.port == 99)
            }
        }
    }
}
