// query.js - a search as an address, as fields, and as the API takes it. SPDX-License-Identifier: Apache-2.0
//
// Addresses are Zipkin's: serviceName, spanName, annotationQuery, minDuration, maxDuration (with a unit or in
// microseconds), limit, and one of
//
//     lookback=15m                      up to now, or to endTs if that is there
//     lookback=range&startTs=…&endTs=…  epoch milliseconds
//     lookback=millis&millis=…&endTs=…

import { parseDuration } from "/assets/app/format.js";
import { searchLink } from "/assets/app/router.js";

export const LOOKBACKS = [
    ["5m", "5 minutes", 300e3], ["15m", "15 minutes", 900e3], ["1h", "hour", 3600e3], ["6h", "6 hours", 21_600e3],
    ["1d", "day", 86_400e3], ["7d", "7 days", 604_800e3], ["30d", "30 days", 2_592_000e3],
];
export const DEFAULTS = { lookback: "15m", limit: 50 };
export const MOST = 10_000; // traces that are asked for at once

const UNITS = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3, w: 604_800e3 };

function lookbackMillis(text) {
    const match = /^(\d{1,6})([smhdw])$/.exec(text);
    return match ? Number(match[1]) * UNITS[match[2]] : null;
}

/** A search from an address: what the fields show. Times are epoch milliseconds; `endTs` null is now. */
export function fromAddress(query) {
    const text = (key) => query.get(key)?.trim() ?? "";
    const millis = (key) => (/^\d{1,15}$/.test(text(key)) ? Number(text(key)) : null);
    const search = {
        serviceName: text("serviceName").toLowerCase(),
        spanName: text("spanName").toLowerCase(),
        annotationQuery: text("annotationQuery"),
        minDuration: text("minDuration"),
        maxDuration: text("maxDuration"),
        limit: Math.min(MOST, Math.max(1, millis("limit") ?? DEFAULTS.limit)),
        lookback: DEFAULTS.lookback,
        startTs: null,
        endTs: null,
    };
    const lookback = text("lookback");
    const endTs = millis("endTs");
    const length = lookback === "millis" ? millis("millis") : lookback === "range"
        ? (millis("startTs") === null ? null : (endTs ?? Date.now()) - millis("startTs"))
        : lookbackMillis(lookback) ?? (/^\d{1,15}$/.test(lookback) ? Number(lookback) : null);
    if (endTs !== null) {
        search.lookback = "range";
        search.endTs = endTs;
        search.startTs = endTs - (length ?? lookbackMillis(DEFAULTS.lookback));
    } else if (lookbackMillis(lookback) !== null) {
        search.lookback = lookback;
    } else if (length !== null) {
        search.lookback = "range";
        search.endTs = Date.now();
        search.startTs = search.endTs - length;
    }
    return search;
}

export function toAddress(search) {
    const isRange = search.lookback === "range";
    return searchLink({
        serviceName: search.serviceName,
        spanName: search.spanName,
        annotationQuery: search.annotationQuery,
        minDuration: search.minDuration.replaceAll(" ", ""),
        maxDuration: search.maxDuration.replaceAll(" ", ""),
        lookback: search.lookback,
        startTs: isRange ? search.startTs : null,
        endTs: isRange ? search.endTs : null,
        limit: search.limit,
    });
}

/** The parameters of /api/v2/traces. */
export function toApi(search, now = Date.now()) {
    const isRange = search.lookback === "range";
    const endTs = isRange ? search.endTs : now;
    return {
        serviceName: search.serviceName,
        spanName: search.spanName,
        annotationQuery: search.annotationQuery,
        minDuration: parseDuration(search.minDuration),
        maxDuration: parseDuration(search.maxDuration),
        endTs,
        lookback: isRange ? Math.max(1, endTs - search.startTs) : lookbackMillis(search.lookback),
        limit: search.limit,
    };
}

/** What is wrong with a search: a list of { field, text }. */
export function problems(search) {
    const found = [];
    const least = parseDuration(search.minDuration);
    const most = parseDuration(search.maxDuration);
    for (const [field, value] of [["minDuration", least], ["maxDuration", most]]) {
        if (Number.isNaN(value)) {
            found.push({ field, text: `“${search[field]}” is no duration: a number and µs, ms, s, min or h, like 250ms` });
        }
    }
    if (most !== null && least === null) found.push({ field: "minDuration", text: "A longest duration needs a shortest one too" });
    else if (most !== null && most < least) found.push({ field: "maxDuration", text: "The longest duration is below the shortest" });
    if (search.lookback === "range") {
        if (!(search.startTs > 0)) found.push({ field: "startTs", text: "From when?" });
        else if (!(search.endTs > search.startTs)) found.push({ field: "endTs", text: "The end is not after the start" });
    }
    if (!(search.limit >= 1 && search.limit <= MOST)) found.push({ field: "limit", text: `1 to ${MOST} traces` });
    return found;
}
