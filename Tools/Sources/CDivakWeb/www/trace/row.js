// row.js - one row of the waterfall: a span's place in the tree and its bar in time. SPDX-License-Identifier: Apache-2.0

import { colourOf } from "/assets/app/colours.js";
import { h } from "/assets/app/dom.js";
import { count, duration, visible } from "/assets/app/format.js";

const KINDS = { CLIENT: "→", SERVER: "←", PRODUCER: "⇥", CONSUMER: "⇤" };
const MOST_TICKS = 20; // annotations marked on a bar; the details list all
const MOST_SEGMENTS = 64; // of the critical path in one row; a span that waited more often than that is shown as one

export const spanName = (node) => visible(node.name) || "unnamed";
export const serviceName = (node) => visible(node.service) || "unknown service";

/**
 * The element of a row.
 *
 * `view` is what the waterfall shows: { from, to } of the time axis, `indent` in pixels, `collapsed`, `matches`,
 * `critical`; `state` is { isActive, isSelected, position }.
 */
export function makeRow(node, view, state) {
    const hasChildren = node.children.length > 0;
    const isCollapsed = hasChildren && view.collapsed.has(node.key);
    const isFaint = view.matches !== null && !view.matches.has(node.index);
    const isSame = node.parent !== null && node.parent.service === node.service;
    const hidden = node.after - node.index - 1;
    const classes = ["row"];
    if (state.isSelected) classes.push("selected");
    if (node.error) classes.push("failed");
    if (isFaint) classes.push("faint");
    const nameCell = h("div", { class: "cell tree", role: "gridcell" },
        h("span", { class: "guides", style: { width: `${node.depth * view.indent}px`, "--step": `${view.indent}px` } }),
        h("span", { class: hasChildren ? "caret" : "caret leaf", "aria-hidden": "true", "data-caret": hasChildren ? "" : null },
            hasChildren ? (isCollapsed ? "▸" : "▾") : ""),
        h("span", { class: `dot ${colourOf(node.service)}`, "aria-hidden": "true" }),
        h("span", { class: isSame ? "service same name" : "service name" }, serviceName(node)),
        h("span", { class: "what name" }, spanName(node)),
        node.span.kind in KINDS ? h("span", { class: "kind", title: node.span.kind.toLowerCase() },
            h("span", { "aria-hidden": "true" }, KINDS[node.span.kind]),
            h("span", { class: "unseen" }, ` ${node.span.kind.toLowerCase()}`)) : null,
        isCollapsed ? h("span", { class: "more" }, `+${count(hidden)}`) : null,
        node.error ? h("span", { class: "alarm", title: "error" }, h("span", { "aria-hidden": "true" }, "!"),
            h("span", { class: "unseen" }, "error")) : null);
    const row = h("div", {
        class: classes.join(" "),
        role: "row",
        id: `row-${node.index}`,
        "data-index": node.index,
        tabindex: state.isActive ? "0" : "-1",
        "aria-level": node.depth + 1,
        "aria-rowindex": state.position + 2,
        "aria-selected": String(state.isSelected),
        "aria-expanded": hasChildren ? String(!isCollapsed) : null,
    }, nameCell, h("div", { class: "cell lane", role: "gridcell" }, lane(node, view)));
    return row;
}

/** What stands on the time axis: bar, critical path, annotations, duration. */
function lane(node, view) {
    const span = view.to - view.from;
    const at = (time) => ((time - view.from) / span) * 100;
    const clip = (value) => Math.min(100, Math.max(0, value));
    const left = at(node.start);
    const right = at(node.end);
    if (node.span.timestamp === null) return [h("span", { class: "time", style: { left: `${clip(left)}%` } }, "no time")];
    const length = node.duration === null ? "no end" : duration(node.duration);
    // Out of the window: an arrow says where it is.
    if (right < 0) return [h("span", { class: "time away", style: { left: "0" } }, `‹ ${length}`)];
    if (left > 100) return [h("span", { class: "time away", style: { left: "100%" } }, `${length} ›`)];
    const from = clip(left);
    const to = clip(right);
    const parts = [h("div", {
        class: `fill ${colourOf(node.service)}${node.duration === null ? " open" : ""}`,
        style: { left: `${from}%`, width: `${to - from}%` },
    })];
    if (view.critical) parts.push(...criticalSegments(node, at, clip));
    for (const note of node.span.annotations.slice(0, MOST_TICKS)) {
        const when = at(note.timestamp - view.start + node.skew);
        if (when >= from && when <= to) parts.push(h("div", { class: "tick", style: { left: `${when}%` } }));
    }
    parts.push(h("span", { class: "time", style: { left: `${to}%` } }, length));
    return parts;
}

function criticalSegments(node, at, clip) {
    let pieces = node.critical;
    if (!pieces) return [];
    if (pieces.length > MOST_SEGMENTS) {
        // Not Math.min(...): there may be more pieces than a call takes arguments.
        pieces = [pieces.reduce((whole, piece) => [Math.min(whole[0], piece[0]), Math.max(whole[1], piece[1])])];
    }
    const parts = [];
    for (const [start, end] of pieces) {
        const from = clip(at(start));
        const to = clip(at(end));
        if (to > from) parts.push(h("div", { class: "segment", style: { left: `${from}%`, width: `${to - from}%` } }));
    }
    return parts;
}
