// RowsApplication.swift - an application that names the mix-ins, and says where its spans go.
// SPDX-License-Identifier: Apache-2.0

public import Divak
import DivakHummingbird
import DivakServiceLifecycle
import GRDB
public import Hummingbird
import Logging
public import ServiceLifecycle

/// The service `rows`: asks the service `items` about each row of its table.
public final class RowsApplication: Divak.Recorder, ProbabilisticSampler, Sendable {
    /// What the mix-ins work on.
    public let divak = DivakApplication()

    /// An application whose spans go to Zipkin.
    public init(zipkin: String = "http://127.0.0.1:9411/api/v2") throws {
        try setDivakService("rows")
        try setDivakSampleProbability(1.0 / 1000.0)
        try addDivakReporter(ZipkinReporter(zipkin))
        try addDivakPropagator(ZipkinPropagation())
    }

    /// The server and what has to stop after it, in the order for a `ServiceGroup`; starts the tracer.
    ///
    /// - Parameters:
    ///   - database: The file of the database; it is filled when it is new.
    ///   - itemsURL: Where the service `items` listens.
    ///   - started: Called with the port once the server listens.
    public func services(
        address: BindAddress,
        database path: String,
        itemsURL: String,
        logger: Logger,
        started: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> [any Service] {
        let handler = RowsHandler(database: try Self.open(path), itemsURL: itemsURL)
        let router = Router(context: DivakRequestContext.self)
        router.add(middleware: try DivakMiddleware(divak, accessLog: AccessLog(.combined)))
        router.get("/") { _, _ in try await handler.get() }
        return try serve(router, address, divak, logger, started)
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        let database = try DatabaseQueue(path: path)
        try database.write { database in
            try database.execute(sql: "CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
            guard try Int.fetchOne(database, sql: "SELECT count(*) FROM item") == 0 else { return }
            for name in ["anchor", "buoy", "compass"] {
                try database.execute(sql: "INSERT INTO item (name) VALUES (?)", arguments: [name])
            }
        }
        return database
    }
}

/// The service `items`: has a word about everything.
public final class ItemsApplication: Divak.Recorder, Sendable {
    /// What the mix-in works on.
    public let divak = DivakApplication()

    /// An application whose spans go to Zipkin.
    public init(zipkin: String = "http://127.0.0.1:9411/api/v2") throws {
        try setDivakService("items")
        try addDivakReporter(ZipkinReporter(zipkin))
        try addDivakPropagator(ZipkinPropagation())
    }

    /// The server and what has to stop after it, in the order for a `ServiceGroup`; starts the tracer.
    public func services(
        address: BindAddress,
        logger: Logger,
        started: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> [any Service] {
        let router = Router(context: DivakRequestContext.self)
        router.add(middleware: try DivakMiddleware(divak, accessLog: AccessLog(.combined)))
        router.get("/items/{name}") { _, context in "\(context.parameters.get("name") ?? ""): in stock" }
        return try serve(router, address, divak, logger, started)
    }
}

/// The tracer's service, which stops last, and the server.
private func serve(
    _ router: Router<DivakRequestContext>,
    _ address: BindAddress,
    _ divak: DivakApplication,
    _ logger: Logger,
    _ started: @escaping @Sendable (Int) -> Void
) throws -> [any Service] {
    let server = Application(
        router: router,
        configuration: ApplicationConfiguration(address: address),
        onServerRunning: { channel in started(channel.localAddress?.port ?? 0) },
        logger: logger
    )
    return [DivakService(try divak.start()), server]
}
