// SPDX-License-Identifier: Apache-2.0
// Database.swift - spans in an SQLite file, one row each, in order of arrival.
//
//     sqlite3 FILE "SELECT service, name, duration FROM span ORDER BY duration DESC LIMIT 10"
//
// `message` is the span as the proto3 message of zipkin.proto; the other columns repeat parts of it for people. Rows are
// written in transactions to a write-ahead log, so a process that is killed leaves whole transactions behind.

import Foundation
import GRDB
import GRDBSQLite

/// Why a store can't be used.
public struct StoreError: Error, CustomStringConvertible {
    /// Names the file and what is wrong with it.
    public var description: String
}

final class Database: Sendable {
    /// Spans to write: their numbers and when they came, and where their records lie in `bytes`.
    struct Rows: Sendable {
        struct Row: Sendable {
            var number: UInt64
            var received: Int64
            var start: Int
            var count: Int
        }

        var rows: [Row] = []
        var bytes: [UInt8] = []
        /// Everything before this number is among the rows, or needn't be.
        var upTo: UInt64 = 0
        /// Every older number may go, and these.
        var deleteBefore: UInt64 = 0
        var deletes: [UInt64] = []
    }

    private static let version: Int32 = 1
    private let pool: DatabasePool
    /// Held for as long as the file is in use, so that no second collector numbers spans in it.
    private let lock: Int32

    init(path: String) throws(StoreError) {
        let lockPath = path + ".lock"
        lock = open(lockPath, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        if lock < 0 {
            throw StoreError(description: "--db \(path): can't create \(lockPath): \(String(cString: strerror(errno)))")
        }
        guard Database.take(lock) else {
            close(lock)
            throw StoreError(description: "--db \(path): another collector is using this file")
        }
        do {
            var configuration = Configuration()
            configuration.label = "divak"
            configuration.maximumReaderCount = 4
            configuration.busyMode = .timeout(5)
            configuration.prepareDatabase { db in
                try db.execute(
                    sql: """
                        PRAGMA synchronous = NORMAL;
                        PRAGMA wal_autocheckpoint = 4000;
                        PRAGMA journal_size_limit = 67108864;
                        PRAGMA cache_size = -8000;
                        """
                )
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.write { db in
                let found = try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                if found == Database.version { return }
                let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
                guard found == 0, tables == 0 else {
                    throw StoreError(
                        description: "holds something else, or spans of another version "
                            + "(user_version \(found), this one reads \(Database.version))"
                    )
                }
                try db.execute(
                    sql: """
                        CREATE TABLE span (
                            number INTEGER PRIMARY KEY,
                            received INTEGER NOT NULL,
                            trace TEXT NOT NULL,
                            service TEXT,
                            name TEXT,
                            timestamp INTEGER,
                            duration INTEGER,
                            message BLOB NOT NULL
                        );
                        PRAGMA user_version = \(Database.version);
                        """
                )
            }
        } catch {
            close(lock)
            throw StoreError(description: "--db \(path): \((error as? StoreError)?.description ?? "\(error)")")
        }
    }

    /// Waits a moment: who starts the collector again may be quicker than the one before is gone.
    private static func take(_ lock: Int32) -> Bool {
        for _ in 0..<100 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(20_000)
        }
        return false
    }

    deinit { close(lock) }

    /// Writes and deletes in one transaction.
    func write(_ batch: Rows) throws {
        try pool.write { db in
            let insert = try db.cachedStatement(sql: "INSERT OR REPLACE INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            try batch.bytes.withUnsafeBufferPointer { bytes in
                for row in batch.rows {
                    let record = Text(rebasing: bytes[row.start..<row.start + row.count])
                    try bind(insert.sqliteStatement, row, record)
                }
            }
            if batch.deleteBefore > 0 {
                try db.execute(sql: "DELETE FROM span WHERE number < ?", arguments: [Int64(batch.deleteBefore)])
            }
            let delete = try db.cachedStatement(sql: "DELETE FROM span WHERE number = ?")
            for number in batch.deletes { try delete.execute(arguments: [Int64(number)]) }
        }
    }

    private func bind(_ statement: OpaquePointer, _ row: Rows.Row, _ record: Text) throws {
        let span = RecordView(record)
        let trace = span.trace.hex
        // Without a destructor SQLite reads text where it is, which stays valid until the statement is reset.
        sqlite3_bind_int64(statement, 1, Int64(row.number))
        sqlite3_bind_int64(statement, 2, row.received)
        try trace.utf8CString.withUnsafeBufferPointer { trace in
            sqlite3_bind_text(statement, 3, trace.baseAddress, Int32(trace.count - 1), nil)
            bind(statement, 4, text: span.local.service)
            bind(statement, 5, text: span.name)
            bind(statement, 6, number: span.timestamp)
            bind(statement, 7, number: span.duration)
            sqlite3_bind_blob(statement, 8, record.baseAddress, Int32(record.count), nil)
            let status = sqlite3_step(statement)
            sqlite3_reset(statement)
            guard status == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: status)) }
        }
    }

    private func bind(_ statement: OpaquePointer, _ column: Int32, number: Int64) {
        if number == 0 {
            sqlite3_bind_null(statement, column)
        } else {
            sqlite3_bind_int64(statement, column, number)
        }
    }

    private func bind(_ statement: OpaquePointer, _ column: Int32, text: Text) {
        guard text.isPresent, let start = text.baseAddress else {
            sqlite3_bind_null(statement, column)
            return
        }
        start.withMemoryRebound(to: CChar.self, capacity: text.count) { pointer in
            _ = sqlite3_bind_text(statement, column, pointer, Int32(text.count), nil)
        }
    }

    /// Visits every span in order of arrival.
    func forEach(_ body: (_ number: UInt64, _ received: Int64, _ record: Text) -> Void) throws {
        try pool.read { db in
            let rows = try Row.fetchCursor(db, sql: "SELECT number, received, message FROM span ORDER BY number")
            while let row = try rows.next() {
                let number: Int64 = row[0]
                try row.withUnsafeData(atIndex: 2) { data in
                    data?.withUnsafeBytes { body(UInt64(number), row[1], $0.bindMemory(to: UInt8.self)) }
                }
            }
        }
    }

    /// The records of these spans in this order; those that are gone are left out.
    func read(_ numbers: [UInt64], _ body: (_ position: Int, _ record: Text) -> Void) throws {
        try pool.read { db in
            let select = try db.cachedStatement(sql: "SELECT message FROM span WHERE number = ?")
            let statement = select.sqliteStatement
            for (position, number) in numbers.enumerated() {
                sqlite3_bind_int64(statement, 1, Int64(number))
                let status = sqlite3_step(statement)
                if status == SQLITE_ROW, let blob = sqlite3_column_blob(statement, 0) {
                    let count = Int(sqlite3_column_bytes(statement, 0))
                    body(position, Text(start: blob.assumingMemoryBound(to: UInt8.self), count: count))
                }
                sqlite3_reset(statement)
                guard status == SQLITE_ROW || status == SQLITE_DONE else {
                    throw DatabaseError(resultCode: ResultCode(rawValue: status))
                }
            }
        }
    }
}
