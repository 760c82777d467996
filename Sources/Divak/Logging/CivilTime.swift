// CivilTime.swift - a time by the calendar, as logs write it.
// SPDX-License-Identifier: Apache-2.0

/// A time by the calendar, in UTC.
struct CivilTime {
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    let millisecond: Int

    init(_ time: DivakTimestamp) {
        let milliseconds = time.microsecondsSinceEpoch / 1000
        let seconds = milliseconds / 1000
        millisecond = Int(milliseconds % 1000)
        (hour, minute, second) = (Int(seconds / 3600 % 24), Int(seconds / 60 % 60), Int(seconds % 60))
        // Years begin in March here, so that the day which leap years add is their last.
        let days = Int(seconds / 86400) + 719_468
        let (era, ofEra) = (days / 146_097, days % 146_097)
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }

    var clf: String {
        let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month - 1]
        return "\(two(day))/\(name)/\(year):\(two(hour)):\(two(minute)):\(two(second)) +0000"
    }

    var iso8601: String {
        let fraction = "\(1000 + millisecond)".dropFirst()
        return "\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second)).\(fraction)Z"
    }

    private func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
