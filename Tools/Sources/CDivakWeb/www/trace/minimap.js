// minimap.js - the whole trace in a strip, with the part that is zoomed into. SPDX-License-Identifier: Apache-2.0

import { canvasColours, colourOf } from "/assets/app/colours.js";
import { h } from "/assets/app/dom.js";

const DRAG_PIXELS = 3;

export class Minimap {
    /** `on.zoom(from, to)` is told what is dragged over. */
    constructor(on) {
        this.on = on;
        this.trace = null;
        this.window = { from: 0, to: 1 };
        this.canvas = h("canvas", { "aria-hidden": "true" });
        this.before = h("div", { class: "outside" });
        this.after = h("div", { class: "outside" });
        this.element = h("div", { class: "minimap", "aria-hidden": "true", title: "Drag to zoom, double-click for the whole trace" },
            this.canvas, this.before, this.after);
        this.observer = new ResizeObserver(() => this.paint());
        this.observer.observe(this.element);
        this.repaint = () => this.paint();
        addEventListener("themechange", this.repaint);
        this.element.addEventListener("pointerdown", (event) => this.drag(event));
        this.element.addEventListener("dblclick", () => this.on.zoom(0, this.trace.end));
    }

    dispose() {
        this.observer.disconnect();
        removeEventListener("themechange", this.repaint);
    }

    setTrace(trace) {
        this.trace = trace;
        this.paint();
    }

    setWindow(from, to) {
        this.window = { from, to };
        this.mark(from, to);
    }

    mark(from, to) {
        const end = this.trace.end || 1;
        this.before.style.left = "0";
        this.before.style.width = `${(from / end) * 100}%`;
        this.after.style.right = "0";
        this.after.style.width = `${Math.max(0, 1 - to / end) * 100}%`;
    }

    paint() {
        const width = this.element.clientWidth;
        const height = this.element.clientHeight;
        if (!this.trace || width === 0) return;
        const scale = devicePixelRatio || 1;
        this.canvas.width = Math.round(width * scale);
        this.canvas.height = Math.round(height * scale);
        const context = this.canvas.getContext("2d");
        context.scale(scale, scale);
        const colour = canvasColours();
        const nodes = this.trace.nodes;
        const end = this.trace.end || 1;
        const pad = 4;
        const step = (height - 2 * pad) / nodes.length;
        const thickness = Math.min(3, Math.max(1, step * 0.75));
        const draw = (node) => {
            context.fillStyle = colour(node.error ? "error-bar" : colourOf(node.service));
            context.fillRect((node.start / end) * width, pad + node.index * step,
                Math.max(1, ((node.end - node.start) / end) * width), thickness);
        };
        // Errors last: in a large trace thousands of rows share a pixel, and they must not be lost.
        for (const node of nodes) if (!node.error) draw(node);
        for (const node of nodes) if (node.error) draw(node);
    }

    drag(event) {
        if (event.button !== 0 || !this.trace) return;
        event.preventDefault();
        const box = this.element.getBoundingClientRect();
        const timeAt = (x) => Math.min(1, Math.max(0, (x - box.left) / box.width)) * this.trace.end;
        const first = event.clientX;
        const { from, to } = this.window;
        const isZoomed = to - from < this.trace.end * 0.999;
        const grip = timeAt(first);
        const isPanning = isZoomed && grip > from && grip < to && !event.shiftKey;
        let moved = false;
        this.element.setPointerCapture(event.pointerId);
        const range = (x) => {
            if (!isPanning) return [timeAt(first), timeAt(x)].sort((a, b) => a - b);
            const shift = Math.min(this.trace.end - to, Math.max(-from, timeAt(x) - grip));
            return [from + shift, to + shift];
        };
        const move = (next) => {
            if (!moved && Math.abs(next.clientX - first) < DRAG_PIXELS) return;
            moved = true;
            if (isPanning) this.on.zoom(...range(next.clientX), false);
            else this.mark(...range(next.clientX));
        };
        const finish = (next) => {
            this.element.removeEventListener("pointermove", move);
            this.element.removeEventListener("pointerup", finish);
            this.element.removeEventListener("pointercancel", finish);
            if (moved && next.type === "pointerup" && !isPanning) this.on.zoom(...range(next.clientX));
            else this.mark(this.window.from, this.window.to);
        };
        this.element.addEventListener("pointermove", move);
        this.element.addEventListener("pointerup", finish);
        this.element.addEventListener("pointercancel", finish);
    }
}
