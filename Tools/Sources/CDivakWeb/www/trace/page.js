// page.js - one trace: head, tools, overview, waterfall, and what is beside it. SPDX-License-Identifier: Apache-2.0

import * as api from "/assets/app/api.js";
import { announce, copyButton, h, replace } from "/assets/app/dom.js";
import { ago, duration, instant, plural, visible } from "/assets/app/format.js";
import { pageKeys } from "/assets/app/keys.js";
import { onSpans } from "/assets/app/live.js";
import * as local from "/assets/app/local.js";
import { failure, loading } from "/assets/app/messages.js";
import { amend, go } from "/assets/app/router.js";
import { spanDetail, traceDetail } from "/assets/trace/detail.js";
import { Minimap } from "/assets/trace/minimap.js";
import { buildTrace } from "/assets/trace/model.js";
import { serviceName, spanName } from "/assets/trace/row.js";
import { Waterfall } from "/assets/trace/waterfall.js";

const LEAST_WINDOW = 1; // microseconds that can be zoomed into

export function showTrace(root, route) {
    performance.mark("divak-trace-begin");
    document.title = `Trace ${route.id} · Divak`;
    pageKeys("Trace", []);
    const page = new TracePage(root, route);
    page.load();
    return () => page.dispose();
}

class TracePage {
    constructor(root, route) {
        this.root = root;
        this.id = route.id;
        this.wantedSpan = route.query.get("spanId");
        this.isLocal = local.trace(route.id) !== undefined;
        this.abort = new AbortController();
        this.zooms = [];
        this.markedService = null;
        this.spans = [];
    }

    dispose() {
        this.abort.abort();
        this.unsubscribe?.();
        clearTimeout(this.rebuilding);
        this.waterfall?.dispose();
        this.minimap?.dispose();
    }

    async load() {
        const wait = setTimeout(() => replace(this.root, loading("Loading the trace")), 150);
        try {
            this.spans = local.trace(this.id) ?? await api.trace(this.id, this.abort.signal);
        } catch (error) {
            if (error.name === "AbortError") return;
            replace(this.root, error.status === 404
                ? failure("There is no such trace", `The collector has no trace ${visible(this.id)}. It may not have arrived yet, `
                    + "was not sampled, or is older than what the collector keeps.", () => this.reload())
                : failure("The trace could not be loaded", error.message, () => this.reload()));
            this.follow();
            return;
        } finally {
            clearTimeout(wait);
        }
        if (!Array.isArray(this.spans) || this.spans.length === 0) {
            replace(this.root, failure("The trace is empty", "The collector answered with no spans.", () => this.reload()));
            return;
        }
        this.trace = buildTrace(this.spans);
        this.build();
        this.follow();
        requestAnimationFrame(() => setTimeout(() => {
            performance.measure("divak-trace-painted", "divak-trace-begin");
        }));
    }

    reload() {
        this.dispose();
        this.abort = new AbortController();
        this.load();
    }

    /** Takes up spans of this trace that arrive while it is looked at. */
    follow() {
        if (this.isLocal) return;
        this.unsubscribe?.();
        const short = (id) => String(id).padStart(32, "0").slice(-16);
        const mine = short(this.id);
        this.unsubscribe = onSpans((spans) => {
            const fresh = spans?.filter((span) => short(span.traceId) === mine) ?? [];
            if (fresh.length === 0) return;
            if (!this.trace) {
                this.reload();
                return;
            }
            this.spans = this.spans.concat(fresh);
            this.rebuilding ??= setTimeout(() => this.rebuild(), 250);
        });
    }

    rebuild() {
        this.rebuilding = undefined;
        const before = this.trace.nodes.length;
        this.trace = buildTrace(this.spans);
        this.paintHead();
        const isWhole = this.zooms.length === 0;
        this.waterfall.setTrace(this.trace);
        this.minimap.setTrace(this.trace);
        if (isWhole) this.window = { from: 0, to: this.trace.end || 1 };
        this.applyWindow();
        this.paintDetail();
        this.find(this.finder.value);
        const more = this.trace.nodes.length - before;
        if (more > 0) announce(`${plural(more, "new span")}`);
    }

    // ---- Building --------------------------------------------------------------------------------------------------

    build() {
        this.waterfall = new Waterfall({
            select: (node, isOpening) => this.selected(node, isOpening),
            zoom: (from, to) => this.zoom(from, to),
            toggle: (node) => this.toggle(node),
        });
        this.minimap = new Minimap({ zoom: (from, to, isStep) => this.zoom(from, to, isStep) });
        this.head = h("header", { class: "trace-head" });
        this.aside = h("aside", { class: "detail", "aria-label": "Details" });
        replace(this.root, this.head, this.tools(), this.minimap.element,
            h("div", { class: "trace-body" }, this.waterfall.element, this.aside));
        this.paintHead();
        this.window = { from: 0, to: this.trace.end || 1 };
        this.waterfall.view.from = 0;
        this.waterfall.view.to = this.window.to;
        this.waterfall.setTrace(this.trace);
        this.minimap.setTrace(this.trace);
        this.applyWindow();
        this.keys();
        const wanted = this.wantedSpan ? this.trace.nodes.findIndex((node) => node.span.id === this.wantedSpan) : -1;
        if (wanted >= 0) this.waterfall.select(wanted, { open: true });
        else this.paintDetail();
    }

    paintHead() {
        const { trace } = this;
        const node = trace.root;
        const title = node ? [h("span", { class: "service name" }, serviceName(node)), " ", h("span", { class: "name" }, spanName(node))] : "Trace";
        document.title = node ? `${serviceName(node)}: ${spanName(node)} · Divak` : "Trace · Divak";
        const facts = [
            h("strong", {}, duration(trace.duration)),
            plural(trace.nodes.length, "span"),
            plural(trace.services.length, "service"),
            trace.depth > 1 ? `${trace.depth} deep` : null,
            trace.errors > 0 ? h("span", { class: "bad" }, plural(trace.errors, "error")) : null,
            trace.dated ? h("span", { title: ago(trace.start / 1000) }, instant(trace.start / 1000)) : "no date",
        ].filter((fact) => fact !== null);
        const download = this.isLocal
            ? h("button", { class: "button small", type: "button", onclick: () => this.saveLocal() }, "Download JSON")
            : h("a", { class: "button small", href: api.tracePath(this.id), download: `${this.id}.json` }, "Download JSON");
        replace(this.head, h("div", { class: "trace-title" }, h("h1", {}, title),
            h("ul", { class: "facts" }, facts.map((fact) => h("li", {}, fact)),
                h("li", { class: "with-copy" }, h("code", {}, visible(trace.id)), copyButton(trace.id, "Trace id")))),
        h("div", { class: "trace-actions" }, download));
    }

    saveLocal() {
        const address = URL.createObjectURL(new Blob([JSON.stringify(this.spans)], { type: "application/json" }));
        h("a", { href: address, download: `${this.id}.json` }).click();
        setTimeout(() => URL.revokeObjectURL(address), 1000);
    }

    tools() {
        this.finder = h("input", { type: "search", placeholder: "Find in this trace", "aria-label": "Find in this trace",
            spellcheck: "false", autocomplete: "off", oninput: () => this.find(this.finder.value) });
        this.finder.addEventListener("keydown", (event) => {
            if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
            else if (event.key === "Escape" && this.finder.value !== "") {
                this.finder.value = "";
                this.find("");
            }
        });
        this.found = h("span", { class: "soft found", "aria-live": "polite" });
        const button = (text, title, run) => h("button", { class: "button small quiet", type: "button", title, onclick: run }, text);
        this.criticalButton = h("button", { class: "button small", type: "button", "aria-pressed": "true",
            title: "The spans that decided how long it took (c)", onclick: () => this.toggleCritical() },
        h("span", { class: "critical-key", "aria-hidden": "true" }), "Critical path");
        this.backButton = h("button", { class: "button small", type: "button", hidden: true, title: "To the zoom before (Escape)",
            onclick: () => this.back() }, "");
        this.wholeButton = h("button", { class: "button small quiet", type: "button", hidden: true, title: "The whole trace (0)",
            onclick: () => this.whole() }, "Whole trace");
        return h("div", { class: "tools-bar", role: "toolbar", "aria-label": "Waterfall" }, this.finder, this.found,
            h("span", { class: "space" }), this.backButton, this.wholeButton,
            button("Expand all", "Show every span (e)", () => this.foldAll(false)),
            button("Collapse all", "Show the first level only (Shift e)", () => this.foldAll(true)), this.criticalButton);
    }

    keys() {
        const mid = () => {
            const node = this.trace.nodes[this.waterfall.active];
            const center = (node.start + node.end) / 2;
            return center >= this.window.from && center <= this.window.to ? center : (this.window.from + this.window.to) / 2;
        };
        const scale = (factor) => {
            const center = mid();
            this.zoom(center - (center - this.window.from) * factor, center + (this.window.to - center) * factor);
        };
        const pan = (share) => {
            const width = this.window.to - this.window.from;
            const from = Math.min(this.trace.end - width, Math.max(0, this.window.from + width * share));
            this.zoom(from, from + width, false);
        };
        const intoRows = (event) => {
            if (this.waterfall.scroller.contains(event.target) || event.target.closest?.("aside, [role=separator]")) return false;
            this.waterfall.activate(this.waterfall.active, { focus: true });
            return true;
        };
        pageKeys("Trace", [
            { keys: ["ArrowDown", "ArrowUp"], shown: ["↑", "↓"], text: "span before, span after", run: intoRows },
            { keys: [], shown: ["←", "→"], text: "collapse or parent, expand or child" },
            { keys: [], shown: ["Enter"], text: "show the span's details" },
            { keys: ["/", "f"], shown: ["/"], text: "find in this trace", run: () => this.finder.focus() },
            { keys: ["n"], shown: ["n"], text: "next match or error", run: () => this.step(1) },
            { keys: ["p", "N"], shown: ["p"], text: "previous match or error", run: () => this.step(-1) },
            { keys: ["z"], shown: ["z"], text: "zoom to the span", run: () => this.zoomToActive() },
            { keys: ["+", "="], shown: ["+"], text: "zoom in", run: () => scale(0.5) },
            { keys: ["-"], shown: ["−"], text: "zoom out", run: () => scale(2) },
            { keys: ["ArrowLeft"], run: (event) => (event.shiftKey ? pan(-0.25) : false) },
            { keys: ["ArrowRight"], shown: ["Shift", "←→"], text: "move along the time axis",
                run: (event) => (event.shiftKey ? pan(0.25) : false) },
            { keys: ["0"], shown: ["0"], text: "the whole trace", run: () => this.whole() },
            { keys: ["e"], shown: ["e"], text: "expand all", run: () => this.foldAll(false) },
            { keys: ["E"], shown: ["Shift", "E"], text: "collapse all", run: () => this.foldAll(true) },
            { keys: ["c"], shown: ["c"], text: "critical path on or off", run: () => this.toggleCritical() },
            { keys: ["Escape"], shown: ["Esc"], text: "one step back: find, zoom, span, list", run: () => this.escape() },
        ]);
    }

    escape() {
        if (this.finder.value !== "" || this.markedService) {
            this.finder.value = "";
            this.markedService = null;
            this.find("");
            this.paintDetail();
        } else if (this.zooms.length > 0) this.back();
        else if (this.waterfall.selected >= 0) this.deselect();
        else go("/zipkin/");
    }

    // ---- The window of time ----------------------------------------------------------------------------------------

    /** Zooms; `isStep` false replaces the window without a step that "back" would lead to. */
    zoom(from, to, isStep = true) {
        const end = this.trace.end || 1;
        const width = Math.min(end, Math.max(LEAST_WINDOW, to - from));
        const start = Math.min(end - width, Math.max(0, to - from < LEAST_WINDOW ? (from + to - width) / 2 : from));
        if (start === this.window.from && start + width === this.window.to) return;
        if (isStep) this.zooms.push(this.window);
        this.window = { from: start, to: start + width };
        if (width >= end) this.zooms = [];
        this.applyWindow();
    }

    zoomToActive() {
        const node = this.trace.nodes[this.waterfall.active];
        const margin = (node.end - node.start) * 0.04;
        this.zoom(node.start - margin, node.end + margin);
    }

    back() {
        const before = this.zooms.pop();
        if (!before) return;
        this.window = before;
        this.applyWindow();
    }

    whole() {
        this.zooms = [];
        this.window = { from: 0, to: this.trace.end || 1 };
        this.applyWindow();
    }

    applyWindow() {
        const { from, to } = this.window;
        this.waterfall.setWindow(from, to);
        this.minimap.setWindow(from, to);
        this.backButton.hidden = this.zooms.length === 0;
        this.wholeButton.hidden = this.zooms.length < 2;
        this.backButton.textContent = `Back from ${duration(from)} – ${duration(to)}`;
    }

    // ---- Spans -----------------------------------------------------------------------------------------------------

    selected(node, isOpening) {
        this.paintDetail(node);
        if (isOpening) this.root.classList.add("detail-open");
        amend((query) => query.set("spanId", node.span.id));
    }

    deselect() {
        this.root.classList.remove("detail-open");
        this.waterfall.select(-1);
        amend((query) => query.delete("spanId"));
        this.paintDetail();
        this.waterfall.focusActive();
    }

    paintDetail(node = this.trace.nodes[this.waterfall.selected]) {
        const goTo = (other) => this.waterfall.select(other.index, { focus: true, open: true });
        if (node) {
            replace(this.aside, spanDetail(node, this.trace, () => this.deselect(), goTo));
        } else {
            replace(this.aside, traceDetail(this.trace, this.markedService, {
                service: (name) => {
                    this.markedService = name;
                    this.finder.value = "";
                    this.find("");
                    this.paintDetail();
                },
                go: goTo,
            }));
        }
        this.aside.scrollTop = 0;
    }

    toggle(node) {
        const { collapsed } = this.waterfall.view;
        if (!collapsed.delete(node.key)) collapsed.add(node.key);
        this.waterfall.fold();
    }

    foldAll(isFolded) {
        const { collapsed } = this.waterfall.view;
        collapsed.clear();
        if (isFolded) {
            for (const node of this.trace.nodes) if (node.parent && node.children.length > 0) collapsed.add(node.key);
        }
        this.waterfall.fold();
    }

    toggleCritical() {
        const { view } = this.waterfall;
        view.critical = !view.critical;
        this.criticalButton.setAttribute("aria-pressed", String(view.critical));
        this.waterfall.paint(true);
    }

    // ---- Finding ---------------------------------------------------------------------------------------------------

    /** Marks the spans that hold the text in a name, tag, annotation or id, or that are of the marked service. */
    find(text) {
        const wanted = text.trim().toLowerCase();
        const { view } = this.waterfall;
        if (wanted !== "" && this.markedService) this.markedService = null;
        if (wanted === "" && !this.markedService) {
            view.matches = null;
            this.found.textContent = "";
        } else {
            view.matches = new Set(this.trace.nodes.filter((node) => (wanted === ""
                ? node.service === this.markedService : holds(node, wanted))).map((node) => node.index));
            this.found.textContent = plural(view.matches.size, "match", "matches");
        }
        this.waterfall.paint(true);
    }

    /** The next match after the active row; without a search, the next error. */
    step(direction) {
        const { view } = this.waterfall;
        const nodes = this.trace.nodes;
        const isStop = (node) => (view.matches ? view.matches.has(node.index) : node.error);
        for (let i = 1; i <= nodes.length; i += 1) {
            const index = (this.waterfall.active + direction * i + nodes.length * 2) % nodes.length;
            if (isStop(nodes[index])) {
                this.waterfall.select(index, { focus: document.activeElement !== this.finder });
                return;
            }
        }
        announce(view.matches ? "No match" : "No error in this trace");
    }
}

function holds(node, wanted) {
    const { span } = node;
    const has = (text) => text.toLowerCase().includes(wanted);
    if (has(node.name) || has(node.service) || has(span.id) || (span.kind && has(span.kind))) return true;
    for (const [key, value] of span.tags) if (has(key) || has(value) || has(`${key}=${value}`)) return true;
    return span.annotations.some((note) => has(note.value));
}
