// list.js - traces in a list: how long each took, and what for. SPDX-License-Identifier: Apache-2.0

import { colourOf } from "/assets/app/colours.js";
import { h, serviceChip } from "/assets/app/dom.js";
import { ago, duration, instant, machineTime, plural, visible } from "/assets/app/format.js";
import { traceLink } from "/assets/app/router.js";
import { buildTrace } from "/assets/trace/model.js";
import { serviceName, spanName } from "/assets/trace/row.js";

const MOST_SERVICES = 6; // named in a row
const LEAST_SHARE = 0.004; // of a bar; thinner pieces join the one before them

/** What the list shows of a trace. */
export function summarize(spans) {
    const trace = buildTrace(spans);
    return {
        id: trace.id, root: trace.root, start: trace.start, dated: trace.dated, duration: trace.duration,
        spans: trace.nodes.length, errors: trace.errors, services: trace.services, pieces: barPieces(trace),
    };
}

/** The critical path as shares of the whole, neighbours of one service as one. */
function barPieces(trace) {
    const total = trace.critical.reduce((sum, piece) => sum + piece.end - piece.start, 0);
    const pieces = [];
    if (!(total > 0)) return pieces;
    for (const piece of trace.critical) {
        const share = (piece.end - piece.start) / total;
        const last = pieces[pieces.length - 1];
        if (last && (last.service === piece.node.service || share < LEAST_SHARE)) last.share += share;
        else pieces.push({ service: piece.node.service, share });
    }
    return pieces;
}

export const ORDERS = {
    newest: ["newest", (a, b) => b.start - a.start],
    longest: ["longest", (a, b) => (b.duration ?? 0) - (a.duration ?? 0)],
    spans: ["most spans", (a, b) => b.spans - a.spans],
    errors: ["most errors", (a, b) => b.errors - a.errors || b.start - a.start],
};

/**
 * The duration that fills the width of a bar: the longest, unless a few are so much longer than the rest that nothing
 * could be told of the rest; those go beyond the scale.
 */
export function barScale(summaries) {
    const durations = summaries.map((summary) => summary.duration ?? 0).sort((a, b) => a - b);
    const longest = durations[durations.length - 1] ?? 0;
    const usual = (durations[Math.floor(durations.length * 0.9)] ?? 0) * 1.15;
    return usual > 0 && longest > usual * 2.5 ? usual : longest;
}

/** The row of a trace. `scale` is the duration that fills the width. */
export function traceRow(summary, scale, isFresh) {
    const { root } = summary;
    const share = summary.duration && scale > 0 ? Math.max(0.004, summary.duration / scale) : 0;
    const others = summary.services.length - MOST_SERVICES;
    const label = root ? `${serviceName(root)}: ${spanName(root)}` : "trace";
    const when = summary.dated ? ago(summary.start / 1000) : "no date";
    return h("li", {}, h("a", {
        class: `trace${isFresh ? " fresh" : ""}`, href: traceLink(summary.id), "data-id": summary.id,
        "aria-label": `${label}, ${duration(summary.duration)}, ${plural(summary.spans, "span")}, `
            + `${summary.errors > 0 ? `${plural(summary.errors, "error")}, ` : ""}${when}`,
    },
    h("span", { class: "what" }, root ? h("span", { class: "service name" }, serviceName(root)) : null,
        h("span", { class: "name op" }, root ? spanName(root) : visible(summary.id))),
    h("span", { class: "took" }, duration(summary.duration)),
    h("span", { class: "track" }, h("span", { class: share > 1 ? "bar-of beyond" : "bar-of",
        style: { width: `${Math.min(1, share) * 100}%` } },
        summary.pieces.map((piece) => h("span", { class: `piece ${colourOf(piece.service)}`, style: { "flex-grow": piece.share } })))),
    h("span", { class: "chips" }, summary.services.slice(0, MOST_SERVICES)
        .map((service) => serviceChip(visible(service.name), colourOf(service.name), service.spans)),
    others > 0 ? h("span", { class: "chip" }, `+${others}`) : null),
    h("span", { class: "facts" },
        summary.errors > 0 ? h("span", { class: "flag" }, plural(summary.errors, "error")) : null,
        h("span", {}, plural(summary.spans, "span")),
        h("time", { datetime: summary.dated ? machineTime(summary.start / 1000) : null, title: summary.dated ? instant(summary.start / 1000) : null,
            "data-start": summary.dated ? summary.start / 1000 : null }, when))));
}

/** Brings the relative times of rows that stand for a while up to date. */
export function refreshTimes(root) {
    for (const time of root.querySelectorAll("time[data-start]")) time.textContent = ago(Number(time.dataset.start));
}
