// picture.js - the dependency graph as SVG, with pan and zoom. SPDX-License-Identifier: Apache-2.0

import { colourOf } from "/assets/app/colours.js";
import { svg } from "/assets/app/dom.js";
import { count, percent, plural, visible } from "/assets/app/format.js";
import { layOut } from "/assets/graph/layout.js";

const MARGIN = 28;
const MOST_NAME = 26; // characters of a name in its box
const LEAST_READABLE = 0.55; // of its size; a phone begins with a part of a large picture
const NEAREST = 2.5; // times its size is as far as one zooms in

let ruler = null;
function textWidth(text) {
    ruler ??= document.createElement("canvas").getContext("2d");
    ruler.font = `500 13px ${getComputedStyle(document.body).fontFamily}`;
    return ruler.measureText(text).width;
}

const shortName = (name) => {
    const text = visible(name) || "(no name)";
    return text.length > MOST_NAME ? `${text.slice(0, MOST_NAME - 1)}…` : text;
};

export class GraphPicture {
    /** `onSelect(name or null)` is told what is chosen. */
    constructor(links, aspect, onSelect) {
        this.onSelect = onSelect;
        this.selected = null;
        this.fingers = new Map();
        this.plan = layOut(links, (name) => Math.ceil(textWidth(shortName(name))) + 40, aspect);
        const { width, height } = this.plan;
        this.whole = { x: -MARGIN, y: -MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN };
        this.box = { ...this.whole };
        this.element = svg("svg", { class: "graph", role: "group", "aria-label": "Services and their calls" });
        const most = Math.max(...links.map((link) => link.callCount));
        this.edges = this.plan.edges.map((edge) => this.makeEdge(edge, most));
        this.nodes = new Map(this.plan.nodes.map((node) => [node.name, this.makeNode(node, links)]));
        this.element.append(svg("g", {}, this.edges.map((edge) => edge.element)),
            svg("g", {}, [...this.nodes.values()].map((node) => node.element)),
            svg("g", { class: "labels", "aria-hidden": "true" }, this.edges.map((edge) => edge.label)));
        this.observer = new ResizeObserver(() => this.fit(LEAST_READABLE));
        this.observer.observe(this.element);
        this.listen();
    }

    dispose() {
        this.observer.disconnect();
    }

    makeEdge(edge, most) {
        const { link } = edge;
        const errors = link.errorCount ?? 0;
        const share = link.callCount > 0 ? Math.min(1, errors / link.callCount) : 0;
        const thick = 1.5 + 6 * (Math.log1p(link.callCount) / Math.log1p(most)) ** 2;
        const size = 10;
        const arrow = svg("path", { class: share >= 0.5 ? "arrow failed" : "arrow",
            d: `M0 0L${-size} ${-3.5 - thick * 0.45}L${-size} ${3.5 + thick * 0.45}Z`,
            transform: `translate(${edge.tip.x} ${edge.tip.y}) rotate(${edge.tip.angle})` });
        const text = `${visible(link.parent)} → ${visible(link.child)}: ${plural(link.callCount, "call")}`
            + `${errors > 0 ? `, ${count(errors)} failed (${percent(share)})` : ""}`;
        const element = svg("g", { class: "edge" }, svg("title", {}, text),
            svg("path", { class: "hit", d: edge.path }),
            svg("path", { class: "line-of", d: edge.path, "stroke-width": thick }),
            share > 0 ? svg("path", { class: "line-of failed", d: edge.path, "stroke-width": Math.max(1.2, thick * share) }) : null, arrow);
        const words = errors > 0 ? `${count(link.callCount)} · ${percent(share)} failed` : count(link.callCount);
        const width = textWidth(words) * 0.88 + 12;
        const label = svg("g", { class: "edge-label", transform: `translate(${edge.middle.x} ${edge.middle.y})` },
            svg("rect", { x: -width / 2, y: -9, width, height: 18, rx: 9 }), svg("text", { y: 4, "text-anchor": "middle" }, words));
        return { link, element, label };
    }

    makeNode(node, links) {
        const calls = links.filter((link) => link.parent === node.name).length;
        const callers = links.filter((link) => link.child === node.name).length;
        const element = svg("g", {
            class: `node ${colourOf(node.name)}`, transform: `translate(${node.x} ${node.y - node.height / 2})`, role: "button",
            tabindex: "0", "aria-pressed": "false", "data-name": node.name,
            "aria-label": `${visible(node.name)}: calls ${plural(calls, "service")}, called by ${count(callers)}`,
        }, svg("title", {}, visible(node.name)), svg("rect", { class: "box", width: node.width, height: node.height, rx: 8 }),
        svg("rect", { class: "mark-of", x: 12, y: node.height / 2 - 5, width: 10, height: 10, rx: 3.5 }),
        svg("text", { x: 30, y: node.height / 2 + 4.5 }, shortName(node.name)));
        return { node, element };
    }

    select(name) {
        this.selected = this.nodes.has(name) ? name : null;
        this.element.classList.toggle("has-selection", this.selected !== null);
        const near = new Set([this.selected]);
        for (const { link, element, label } of this.edges) {
            const isNear = this.selected !== null && (link.parent === this.selected || link.child === this.selected);
            element.classList.toggle("near", isNear);
            label.classList.toggle("near", isNear);
            if (isNear) near.add(link.parent).add(link.child);
        }
        for (const [other, { element }] of this.nodes) {
            element.classList.toggle("near", near.has(other));
            element.setAttribute("aria-pressed", String(other === this.selected));
        }
        this.onSelect(this.selected);
    }

    /** Moves the picture so that the selected service is not under what covers so many pixels at the right. */
    clear(covered) {
        const bounds = this.nodes.get(this.selected)?.element.getBoundingClientRect();
        if (!bounds) return;
        const over = bounds.right + 24 - (this.element.getBoundingClientRect().right - covered);
        if (over > 0) this.pan(-over, 0);
    }

    // ---- Pan and zoom ----------------------------------------------------------------------------------------------

    /** The whole picture, at most a little above its natural size; no smaller than `least`, from its upper left then. */
    fit(least = 0) {
        const width = this.element.clientWidth || 1;
        const height = this.element.clientHeight || 1;
        const { whole } = this;
        const scale = Math.max(least, Math.min(1.15, width / whole.width, height / whole.height));
        const shown = { width: width / scale, height: height / scale };
        const from = (start, size, room) => (size > room ? start : start + (size - room) / 2);
        this.show({ x: from(whole.x, whole.width, shown.width), y: from(whole.y, whole.height, shown.height), ...shown });
    }

    show(box) {
        this.box = box;
        this.element.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
    }

    /** Zooms around a point given as shares of the element. */
    zoom(factor, atX = 0.5, atY = 0.5) {
        const { box } = this;
        const least = this.element.clientWidth / NEAREST;
        const most = Math.max(this.whole.width, this.element.clientWidth) * 3;
        const width = Math.min(most, Math.max(least, box.width * factor));
        const height = box.height * (width / box.width);
        this.show({ x: box.x + (box.width - width) * atX, y: box.y + (box.height - height) * atY, width, height });
    }

    listen() {
        const { element } = this;
        element.addEventListener("wheel", (event) => {
            event.preventDefault();
            const bounds = element.getBoundingClientRect();
            this.zoom(1.0015 ** event.deltaY, (event.clientX - bounds.left) / bounds.width, (event.clientY - bounds.top) / bounds.height);
        }, { passive: false });
        element.addEventListener("pointerdown", (event) => this.press(event));
        element.addEventListener("keydown", (event) => {
            const name = event.target.closest?.(".node")?.dataset.name;
            if (name === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
            if (event.key === "Enter" || event.key === " ") {
                this.select(name === this.selected ? null : name);
                event.preventDefault();
            } else if (event.key.startsWith("Arrow")) {
                this.focusNext(name, event.key);
                event.preventDefault();
            }
        });
    }

    /** One finger or the mouse moves the picture or, when it stays, selects; two fingers zoom. */
    press(event) {
        if (event.button !== 0) return;
        this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (this.fingers.size > 1) return;
        const name = event.target.closest(".node")?.dataset.name ?? null;
        const start = { x: event.clientX, y: event.clientY };
        let moved = false;
        const move = (next) => {
            const before = this.fingers.get(next.pointerId);
            if (!before) return;
            const now = { x: next.clientX, y: next.clientY };
            if (!moved && this.fingers.size === 1 && Math.hypot(now.x - start.x, now.y - start.y) < 4) return;
            moved = true;
            this.element.classList.add("panning");
            if (this.fingers.size === 1) this.pan(now.x - before.x, now.y - before.y);
            else this.pinch(next.pointerId, before, now);
            this.fingers.set(next.pointerId, now);
        };
        const end = (next) => {
            this.fingers.delete(next.pointerId);
            if (this.fingers.size > 0) return;
            removeEventListener("pointermove", move);
            removeEventListener("pointerup", end);
            removeEventListener("pointercancel", end);
            this.element.classList.remove("panning");
            if (!moved && next.type === "pointerup") this.select(name === this.selected ? null : name);
        };
        addEventListener("pointermove", move);
        addEventListener("pointerup", end);
        addEventListener("pointercancel", end);
    }

    pan(dx, dy) {
        const scale = this.box.width / this.element.clientWidth;
        this.show({ ...this.box, x: this.box.x - dx * scale, y: this.box.y - dy * scale });
    }

    pinch(id, before, now) {
        const other = [...this.fingers].find(([key]) => key !== id)[1];
        const distance = (point) => Math.max(10, Math.hypot(point.x - other.x, point.y - other.y));
        const bounds = this.element.getBoundingClientRect();
        this.zoom(distance(before) / distance(now), ((now.x + other.x) / 2 - bounds.left) / bounds.width,
            ((now.y + other.y) / 2 - bounds.top) / bounds.height);
    }

    /** The nearest node in that direction. */
    focusNext(name, key) {
        const from = this.nodes.get(name).node;
        const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
        let best = null;
        let least = Infinity;
        for (const { node, element } of this.nodes.values()) {
            const along = (node.x - from.x) * dx + (node.y - from.y) * dy;
            const across = Math.abs((node.x - from.x) * dy) + Math.abs((node.y - from.y) * dx);
            if (node === from || along <= 1 || along + 2 * across >= least) continue;
            least = along + 2 * across;
            best = element;
        }
        best?.focus();
    }
}
