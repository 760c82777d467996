// RowsHandler.swift - a handler that names the mix-ins, and gets spans, tags and log lines with ids from them.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakAsyncHTTPClient
import GRDB

/// Answers with what another service says about each row of a table.
struct RowsHandler: RequestTracker, RequestLogger, HTTPClientMixin {
    let database: DatabaseQueue
    /// The other service.
    let itemsURL: String

    func get() async throws -> String {
        setDivakName("rows")
        let rows = try await recordOperation("query-db") {
            let rows = try await database.read { database in
                try String.fetchAll(database, sql: "SELECT name FROM item ORDER BY id")
            }
            addDivakTag("query-db.rowcount", rows.count)
            return rows
        }
        var answer = ""
        for row in rows {
            logger.info("processing", metadata: ["row": "\(row)"])
            let response = try await sendRequest("\(itemsURL)/items/\(row)", remoteName: "items")
            answer += String(buffer: try await response.body.collect(upTo: 1024)) + "\n"
        }
        return answer
    }
}
