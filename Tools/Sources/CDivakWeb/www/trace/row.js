// row.js - one row of the waterfall: a span's place in the tree and its bar in time. SPDX-License-Identifier: Apache-2.0

import { colourOf } from "/assets/app/colours.js";
import { h } from "/assets/app/dom.js";
import { count, duration, visible } from "/assets/app/format.js";

const KINDS = { CLIENT: "→", SERVER: "←", PRODUCER: "⇥", CONSUMER: "⇤" };
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
        h("span", { class: "service name" }, serviceName(node)),
        h("span", { class: "what name" }, spanName(node)),
        node.span.kind in KINDS ? h("span", { class: "kind", title: node.span.kind.toLowerCase() },
            h("span", { "aria-hidden": "true" }, KINDS[node.span.kind]),
            h("span", { class: "unseen" }, ` ${node.span.kind.toLowerCase()}`)) : null,
        isCollapsed ? h("span", { class: "more" }, `+${count(hidden)}`) : null,
        node.error ? h("span", { class: "flag" }, "error") : null);
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
    const clip = (value) => Math.min(101, Math.max(-1, value));
    const left = at(node.start);
    const right = at(node.end);
    const parts = [];
    const isTimed = node.span.timestamp !== null;
    if (right >= 0 && left <= 100 && isTimed) {
        const from = clip(left);
        const to = clip(right);
        parts.push(h("div", {
            class: `fill ${colourOf(node.service)}${node.duration === null ? " open" : ""}`,
            style: { left: `${from}%`, width: `${to - from}%` },
        }));
        if (view.critical) parts.push(...criticalSegments(node, at, clip));
        for (const note of node.span.annotations.slice(0, 20)) {
            const when = at(note.timestamp - view.start + node.skew);
            if (when >= Math.max(0, left) && when <= Math.min(100, right)) {
                parts.push(h("div", { class: "tick", style: { left: `${when}%` } }));
            }
        }
    }
    // The label stands behind the bar, or before it, or, when both sides are full, on its end.
    const text = isTimed ? duration(node.duration) : "no time";
    const side = right < 86 ? "behind" : left > 14 ? "before" : "within";
    const place = side === "before" ? { right: `${100 - clip(left)}%` }
        : side === "behind" ? { left: `${Math.max(0, clip(right))}%` } : { right: `${Math.max(0, 100 - clip(right))}%` };
    parts.push(h("span", { class: `time ${side}`, style: place }, text));
    return parts;
}

function criticalSegments(node, at, clip) {
    let pieces = node.critical;
    if (!pieces) return [];
    if (pieces.length > MOST_SEGMENTS) {
        pieces = [[Math.min(...pieces.map((piece) => piece[0])), Math.max(...pieces.map((piece) => piece[1]))]];
    }
    const parts = [];
    for (const [start, end] of pieces) {
        const from = clip(at(start));
        const to = clip(at(end));
        if (to > from) parts.push(h("div", { class: "segment", style: { left: `${from}%`, width: `${to - from}%` } }));
    }
    return parts;
}
