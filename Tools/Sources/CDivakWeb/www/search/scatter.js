// scatter.js - the found traces as points: when each began, how long it took. SPDX-License-Identifier: Apache-2.0

import { h, svg } from "/assets/app/dom.js";
import { duration, instant } from "/assets/app/format.js";
import { go, traceLink } from "/assets/app/router.js";

const HEIGHT = 92;
const PAD = { left: 58, right: 14, top: 10, bottom: 20 };

/**
 * A picture of the traces over time; the vertical axis is logarithmic. It says nothing that the list does not, so it is
 * hidden from assistive technology. Null when there is too little to see.
 */
export function scatter(summaries, width) {
    const shown = summaries.filter((summary) => summary.dated && summary.duration > 0);
    if (shown.length < 3 || width < 400) return null;
    const times = shown.map((summary) => summary.start);
    const logs = shown.map((summary) => Math.log10(summary.duration));
    const [t0, t1] = [Math.min(...times), Math.max(...times)];
    const low = Math.floor(Math.min(...logs) * 2) / 2;
    const high = Math.max(low + 0.5, Math.ceil(Math.max(...logs) * 2) / 2);
    const x = (time) => PAD.left + (t1 > t0 ? (time - t0) / (t1 - t0) : 0.5) * (width - PAD.left - PAD.right);
    const y = (log) => HEIGHT - PAD.bottom - ((log - low) / (high - low)) * (HEIGHT - PAD.top - PAD.bottom);
    const most = Math.max(...shown.map((summary) => summary.spans));
    const lines = [];
    const every = Math.max(1, Math.ceil((high - low) / 3));
    for (let power = Math.ceil(low); power <= high; power += every) {
        lines.push(svg("line", { class: "grid", x1: PAD.left, x2: width - PAD.right, y1: y(power), y2: y(power) }),
            svg("text", { class: "tick-text", x: PAD.left - 8, y: y(power) + 4, "text-anchor": "end" }, duration(10 ** power)));
    }
    const points = shown.map((summary) => svg("circle", {
        class: summary.errors > 0 ? "point failed" : "point", cx: x(summary.start), cy: y(Math.log10(summary.duration)),
        r: 3 + 4 * Math.sqrt(summary.spans / most), "data-id": summary.id,
        onclick: () => go(traceLink(summary.id)),
    }, svg("title", {}, `${duration(summary.duration)}, ${instant(summary.start / 1000)}`)));
    const clock = (time) => instant(time / 1000).slice(11, 19);
    return h("div", { class: "scatter", "aria-hidden": "true" }, svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` },
        lines, points,
        svg("text", { class: "tick-text", x: PAD.left, y: HEIGHT - 4 }, clock(t0)),
        svg("text", { class: "tick-text", x: width - PAD.right, y: HEIGHT - 4, "text-anchor": "end" }, clock(t1))));
}
