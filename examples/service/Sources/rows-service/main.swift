// main.swift - runs one of the two services until SIGTERM or SIGINT.
// SPDX-License-Identifier: Apache-2.0
//
//     rows-service items 8081
//     rows-service rows 8080 http://127.0.0.1:8081 [DATABASE]

import Hummingbird
import Logging
import RowsService
import ServiceLifecycle

let arguments = CommandLine.arguments.dropFirst()
let logger = Logger(label: arguments.first ?? "rows-service")
let services: [any Service]
switch (arguments.first, arguments.dropFirst().first.flatMap { Int($0) }, arguments.count) {
case ("items", let port?, 2):
    services = try ItemsApplication().services(address: .hostname("127.0.0.1", port: port), logger: logger)
case ("rows", let port?, 3...4):
    services = try RowsApplication().services(
        address: .hostname("127.0.0.1", port: port),
        database: arguments.count == 4 ? arguments[4] : "rows.sqlite",
        itemsURL: arguments[3],
        logger: logger
    )
default:
    print("usage: rows-service items PORT | rows-service rows PORT ITEMS_URL [DATABASE]")
    services = []
}
if !services.isEmpty {
    try await ServiceGroup(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
}
