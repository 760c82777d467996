// waterfall.js - the rows of a trace, of which only those in sight exist. SPDX-License-Identifier: Apache-2.0
//
// A treegrid (ARIA): one row is in the tab order, arrows move it. That row exists even when it is scrolled out of sight,
// so that focus is never lost. Dragging over the time axis zooms.

import { h, replace } from "/assets/app/dom.js";
import { duration, ticks } from "/assets/app/format.js";
import { makeRow } from "/assets/trace/row.js";

const OVERSCAN = 8;
const DRAG_PIXELS = 4; // less is a click

export class Waterfall {
    /** `on` is told: select(node, isOpening), zoom(from, to), toggle(node). */
    constructor(on) {
        this.on = on;
        this.view = { from: 0, to: 1, start: 0, indent: 14, collapsed: new Set(), matches: null, critical: true };
        this.trace = null;
        this.order = []; // the indices of the nodes that are not hidden in a collapsed one
        this.positions = new Map(); // index → place in order
        this.active = 0; // index of the node in the tab order
        this.selected = -1;
        this.elements = new Map(); // index → row element
        this.rowHeight = 26;
        this.build();
    }

    build() {
        this.axis = h("div", { class: "axis", role: "columnheader" });
        this.lines = h("div", { class: "lines", "aria-hidden": "true" });
        this.rows = h("div", { class: "rows", role: "rowgroup" }, this.lines);
        this.scroller = h("div", { class: "scroller", role: "treegrid", "aria-label": "Spans", "aria-colcount": 2 },
            h("div", { class: "head", role: "rowgroup" }, h("div", { class: "head-row", role: "row", "aria-rowindex": 1 },
                h("div", { class: "head-name", role: "columnheader" }, "Span"), this.axis)),
            this.rows);
        this.veil = h("div", { class: "veil", hidden: true });
        this.splitter = h("div", {
            class: "splitter", role: "separator", tabindex: "0", "aria-orientation": "vertical",
            "aria-label": "Width of the span column", "aria-valuemin": 15, "aria-valuemax": 75, "aria-valuenow": 38,
        });
        this.element = h("div", { class: "waterfall" }, this.scroller, this.splitter, this.veil);
        this.scroller.addEventListener("scroll", () => this.paint(), { passive: true });
        this.scroller.addEventListener("keydown", (event) => this.key(event));
        this.rows.addEventListener("click", (event) => this.click(event));
        this.scroller.addEventListener("pointerdown", (event) => this.drag(event));
        this.listenToSplitter();
        this.observer = new ResizeObserver(() => {
            this.rowHeight = parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 26;
            this.layOut();
            if (this.trace && this.selected >= 0) this.activate(this.selected);
            else this.paint(true);
        });
        this.observer.observe(this.element);
    }

    dispose() {
        this.observer.disconnect();
    }

    // ---- What is shown ---------------------------------------------------------------------------------------------

    setTrace(trace) {
        const activeKey = this.trace?.nodes[this.active]?.key;
        const selectedKey = this.trace?.nodes[this.selected]?.key;
        this.trace = trace;
        this.view.start = trace.start;
        this.active = Math.max(0, trace.nodes.findIndex((node) => node.key === activeKey));
        this.selected = selectedKey === undefined ? -1 : trace.nodes.findIndex((node) => node.key === selectedKey);
        this.fold();
    }

    /** Takes up a change of `view.collapsed`. */
    fold() {
        this.order = [];
        this.positions.clear();
        const nodes = this.trace.nodes;
        for (let i = 0; i < nodes.length;) {
            this.positions.set(i, this.order.length);
            this.order.push(i);
            const isFolded = nodes[i].children.length > 0 && this.view.collapsed.has(nodes[i].key);
            i = isFolded ? nodes[i].after : i + 1;
        }
        while (!this.positions.has(this.active)) this.active = nodes[this.active].parent.index;
        this.scroller.setAttribute("aria-rowcount", this.order.length + 1);
        this.layOut();
        this.paint(true);
    }

    setWindow(from, to) {
        this.view.from = from;
        this.view.to = to;
        this.paint(true);
    }

    /** Room for the rows, and an indent that leaves deep trees readable. */
    layOut() {
        if (!this.trace) return;
        this.rows.style.height = `${this.order.length * this.rowHeight}px`;
        const width = this.element.clientWidth * (this.isStacked() ? 1 : this.share());
        const indent = Math.min(14, (width * 0.4) / this.trace.depth);
        this.view.indent = indent >= 3 ? Math.floor(indent) : indent; // whole pixels keep the guides sharp
    }

    isStacked() {
        return this.rowHeight > 32;
    }

    share() {
        return (parseFloat(this.element.style.getPropertyValue("--split")) || 38) / 100;
    }

    /** Puts the rows in sight there. `all` makes anew those that are there already. */
    paint(all = false) {
        if (!this.trace) return;
        const top = this.scroller.scrollTop;
        const first = Math.max(0, Math.floor(top / this.rowHeight) - OVERSCAN);
        const last = Math.min(this.order.length, Math.ceil((top + this.scroller.clientHeight) / this.rowHeight) + OVERSCAN);
        const wanted = new Set();
        for (let position = first; position < last; position += 1) wanted.add(this.order[position]);
        if (this.positions.has(this.active)) wanted.add(this.active);
        const focused = document.activeElement?.closest?.(".row")?.dataset.index;
        for (const [index, element] of this.elements) {
            if (all || !wanted.has(index)) {
                element.remove();
                this.elements.delete(index);
            }
        }
        const added = document.createDocumentFragment();
        for (const index of wanted) {
            if (this.elements.has(index)) continue;
            const position = this.positions.get(index);
            const row = makeRow(this.trace.nodes[index], this.view,
                { isActive: index === this.active, isSelected: index === this.selected, position });
            row.style.top = `${position * this.rowHeight}px`;
            this.elements.set(index, row);
            added.append(row);
        }
        this.rows.append(added);
        if (focused !== undefined && all && !this.rows.contains(document.activeElement)) this.focusActive();
        if (all) this.paintAxis();
    }

    paintAxis() {
        const { from, to } = this.view;
        const marks = ticks(from, to, this.element.clientWidth < 720 ? 3 : 6);
        const at = (mark) => `${((mark - from) / (to - from)) * 100}%`;
        replace(this.axis, h("span", { class: "unseen" }, "Time"), marks.map((mark) =>
            h("span", { class: "mark", style: { left: at(mark) } }, duration(mark))));
        replace(this.lines, h("div", { class: "lines-lane" },
            marks.map((mark) => h("div", { class: "line", style: { left: at(mark) } }))));
    }

    // ---- Moving about ----------------------------------------------------------------------------------------------

    focusActive() {
        this.elements.get(this.active)?.focus({ preventScroll: true });
    }

    /** Makes a node the one in the tab order, in sight. */
    activate(index, { focus = false } = {}) {
        this.active = index;
        const top = this.positions.get(index) * this.rowHeight;
        const head = this.scroller.firstElementChild.offsetHeight;
        const room = this.scroller.clientHeight - head;
        if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
        else if (top + this.rowHeight > this.scroller.scrollTop + room) this.scroller.scrollTop = top + this.rowHeight - room;
        this.paint(true);
        if (focus) this.focusActive();
    }

    /** Selects a node (or none, -1), unfolding what hides it. */
    select(index, { focus = false, open = false } = {}) {
        this.selected = index;
        if (index < 0) {
            this.paint(true);
            return;
        }
        let isChanged = false;
        for (let node = this.trace.nodes[index].parent; node; node = node.parent) {
            isChanged = this.view.collapsed.delete(node.key) || isChanged;
        }
        this.active = index;
        if (isChanged) this.fold();
        this.activate(index, { focus });
        this.on.select(this.trace.nodes[index], open);
    }

    move(step) {
        const position = Math.min(this.order.length - 1, Math.max(0, this.positions.get(this.active) + step));
        this.reach(this.order[position]);
    }

    /** Moves focus; the selection goes with it once there is one. */
    reach(index) {
        if (this.selected >= 0) this.select(index, { focus: true });
        else this.activate(index, { focus: true });
    }

    key(event) {
        if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !this.trace) return;
        const node = this.trace.nodes[this.active];
        const isFolded = this.view.collapsed.has(node.key);
        const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 2);
        const actions = {
            ArrowDown: () => this.move(1),
            ArrowUp: () => this.move(-1),
            PageDown: () => this.move(page),
            PageUp: () => this.move(-page),
            Home: () => this.move(-this.order.length),
            End: () => this.move(this.order.length),
            ArrowRight: () => {
                if (node.children.length === 0) return;
                if (isFolded) this.on.toggle(node);
                else this.reach(node.children[0].index);
            },
            ArrowLeft: () => {
                if (node.children.length > 0 && !isFolded) this.on.toggle(node);
                else if (node.parent) this.reach(node.parent.index);
            },
            Enter: () => this.select(this.active, { focus: true, open: true }),
            " ": () => this.select(this.active, { focus: true, open: true }),
        };
        const action = actions[event.key];
        if (!action || !(event.target instanceof Element) || !event.target.closest(".row")) return;
        event.preventDefault();
        action();
    }

    click(event) {
        const row = event.target.closest(".row");
        if (!row || this.dragged) return;
        const node = this.trace.nodes[Number(row.dataset.index)];
        if (event.target.closest("[data-caret]")) {
            this.active = node.index;
            this.on.toggle(node);
            this.focusActive();
        } else {
            this.select(node.index, { focus: true, open: true });
        }
    }

    // ---- Zoom by dragging, and the width of the columns -------------------------------------------------------------

    laneBox() {
        const box = this.axis.getBoundingClientRect();
        return { left: box.left, width: box.width };
    }

    drag(event) {
        this.dragged = false;
        if (event.button !== 0 || event.pointerType === "touch") return; // a finger scrolls; the overview above zooms
        if (!event.target.closest(".lane, .axis")) return;
        const box = this.laneBox();
        const outer = this.element.getBoundingClientRect();
        const startX = event.clientX;
        const timeAt = (x) => this.view.from
            + Math.min(1, Math.max(0, (x - box.left) / box.width)) * (this.view.to - this.view.from);
        const move = (next) => {
            if (!this.dragged && Math.abs(next.clientX - startX) < DRAG_PIXELS) return;
            this.dragged = true;
            const left = Math.max(box.left, Math.min(startX, next.clientX));
            const right = Math.min(box.left + box.width, Math.max(startX, next.clientX));
            this.veil.hidden = false;
            this.veil.style.left = `${left - outer.left}px`;
            this.veil.style.width = `${right - left}px`;
            this.veil.textContent = duration(Math.abs(timeAt(next.clientX) - timeAt(startX)));
            next.preventDefault();
        };
        const end = (next) => {
            removeEventListener("pointermove", move);
            removeEventListener("pointerup", end);
            removeEventListener("pointercancel", end);
            this.veil.hidden = true;
            if (!this.dragged) return;
            if (next.type === "pointerup") {
                const [from, to] = [timeAt(startX), timeAt(next.clientX)].sort((a, b) => a - b);
                this.on.zoom(from, to);
            }
            setTimeout(() => { this.dragged = false; }); // after the click that follows
        };
        addEventListener("pointermove", move);
        addEventListener("pointerup", end);
        addEventListener("pointercancel", end);
    }

    listenToSplitter() {
        const set = (percent) => {
            const value = Math.min(75, Math.max(15, percent));
            this.element.style.setProperty("--split", `${value}%`);
            this.splitter.setAttribute("aria-valuenow", Math.round(value));
            this.layOut();
            this.paint(true);
        };
        this.splitter.addEventListener("pointerdown", (event) => {
            event.preventDefault();
            this.splitter.setPointerCapture(event.pointerId);
            const box = this.element.getBoundingClientRect();
            const move = (next) => set(((next.clientX - box.left) / box.width) * 100);
            this.splitter.addEventListener("pointermove", move);
            this.splitter.addEventListener("lostpointercapture", () => {
                this.splitter.removeEventListener("pointermove", move);
            }, { once: true });
        });
        this.splitter.addEventListener("keydown", (event) => {
            const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
            if (!step) return;
            event.preventDefault();
            set(this.share() * 100 + step);
        });
    }
}
