// merge.js - from spans as they were reported to one entry for each. SPDX-License-Identifier: Apache-2.0
//
// A span may come twice (a repeated delivery), in pieces (a late tag), or as two halves of one id: a client and a server
// that share it. Pieces are put together, halves are kept apart.

/** "name, ip and port" of who recorded it, or "" when nobody says so. */
const hostOf = (endpoint) => (endpoint
    ? `${endpoint.serviceName ?? ""}|${endpoint.ipv4 ?? endpoint.ipv6 ?? ""}|${endpoint.port ?? ""}` : "");

const isText = (value) => typeof value === "string";
const number = (value) => {
    const result = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    return Number.isFinite(result) && result > 0 ? result : null;
};

/** A span with every field in its place, whatever the file held: a dropped file is checked by nobody else. */
function normal(raw) {
    const endpoint = (value) => (value && typeof value === "object" ? {
        serviceName: isText(value.serviceName) ? value.serviceName : "",
        ip: [value.ipv4, value.ipv6].filter(isText).join(", "),
        port: number(value.port),
        host: hostOf(value),
    } : null);
    const tags = raw.tags && typeof raw.tags === "object" && !Array.isArray(raw.tags)
        ? Object.entries(raw.tags).map(([key, value]) => [key, isText(value) ? value : JSON.stringify(value) ?? ""]) : [];
    const annotations = Array.isArray(raw.annotations)
        ? raw.annotations.filter((item) => item && typeof item === "object")
            .map((item) => ({ timestamp: Number(item.timestamp) || 0, value: String(item.value ?? "") })) : [];
    const parentId = raw.parentId === undefined || raw.parentId === null ? null : padded(raw.parentId);
    const id = padded(raw.id);
    return {
        traceId: String(raw.traceId),
        id,
        parentId: parentId === id || /^0*$/.test(parentId ?? "") ? null : parentId,
        kind: isText(raw.kind) ? raw.kind : null,
        name: isText(raw.name) ? raw.name : "",
        timestamp: number(raw.timestamp),
        duration: number(raw.duration),
        local: endpoint(raw.localEndpoint),
        remote: endpoint(raw.remoteEndpoint),
        tags: new Map(tags),
        annotations,
        debug: raw.debug === true,
        shared: raw.shared === true && raw.kind !== "CLIENT",
        pieces: 1,
    };
}

const padded = (id) => String(id).padStart(16, "0");

/** Whether two entries of one id are the same half. */
function isSameHalf(a, b) {
    if (a.shared !== b.shared) return false;
    if (a.kind && b.kind && a.kind !== b.kind) return false;
    return !a.local?.host || !b.local?.host || a.local.host === b.local.host;
}

function absorb(into, piece) {
    into.pieces += 1;
    into.kind ??= piece.kind;
    into.parentId ??= piece.parentId;
    if (!into.name || into.name === "unknown") into.name = piece.name || into.name;
    if (piece.timestamp !== null && (into.timestamp === null || piece.timestamp < into.timestamp)) {
        into.timestamp = piece.timestamp;
    }
    if (piece.duration !== null && (into.duration === null || piece.duration > into.duration)) into.duration = piece.duration;
    into.local ??= piece.local;
    into.remote ??= piece.remote;
    for (const [key, value] of piece.tags) if (!into.tags.has(key)) into.tags.set(key, value);
    for (const note of piece.annotations) {
        if (!into.annotations.some((known) => known.timestamp === note.timestamp && known.value === note.value)) {
            into.annotations.push(note);
        }
    }
    into.debug ||= piece.debug;
}

/** The spans, one for each half of each id, in the order of their first pieces. */
export function mergeSpans(raws) {
    const byId = new Map();
    const merged = [];
    for (const raw of raws) {
        const span = normal(raw);
        let halves = byId.get(span.id);
        if (!halves) byId.set(span.id, halves = []);
        const same = halves.find((half) => isSameHalf(half, span));
        if (same) {
            absorb(same, span);
        } else {
            halves.push(span);
            merged.push(span);
        }
    }
    for (const halves of byId.values()) {
        if (halves.length < 2) continue;
        // A server that took the client's id over and did not say so.
        const client = halves.find((half) => half.kind === "CLIENT");
        if (client) for (const half of halves) if (half.kind === "SERVER") half.shared = true;
    }
    for (const span of merged) span.annotations.sort((a, b) => a.timestamp - b.timestamp);
    return { spans: merged, byId };
}
