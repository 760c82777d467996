// page.js - the dependencies: who calls whom, how often, and how often it fails. SPDX-License-Identifier: Apache-2.0

import * as api from "/assets/app/api.js";
import { announce, h, icon, ICONS, replace } from "/assets/app/dom.js";
import { colourOf } from "/assets/app/colours.js";
import { count, percent, plural, visible } from "/assets/app/format.js";
import { pageKeys } from "/assets/app/keys.js";
import { onSpans } from "/assets/app/live.js";
import { failure, loading, nothing } from "/assets/app/messages.js";
import { amend, searchLink } from "/assets/app/router.js";
import { GraphPicture } from "/assets/graph/picture.js";
import { LOOKBACKS } from "/assets/search/query.js";

const REFRESH_MS = 5000; // links change slowly, and a graph that jumps is hard to read

export function showGraph(root, route) {
    document.title = "Dependencies · Divak";
    const page = new GraphPage(root, route);
    page.begin();
    return () => page.dispose();
}

class GraphPage {
    constructor(root, route) {
        this.root = root;
        this.abort = new AbortController();
        const millis = (key) => (/^\d{1,15}$/.test(route.query.get(key) ?? "") ? Number(route.query.get(key)) : null);
        this.range = millis("startTime") !== null && millis("endTime") !== null
            ? { start: millis("startTime"), end: millis("endTime") } : null;
        const lookback = route.query.get("lookback");
        this.lookback = LOOKBACKS.some(([value]) => value === lookback) ? lookback : "1d";
        this.wanted = route.query.get("serviceName");
        this.isTable = route.query.get("view") === "table";
        this.shown = "";
    }

    dispose() {
        this.abort.abort();
        this.unsubscribe?.();
        clearTimeout(this.timer);
        this.picture?.dispose();
    }

    begin() {
        this.status = h("p", { class: "status", role: "status" });
        const time = h("select", { "aria-label": "Time", onchange: () => {
            this.range = null;
            this.lookback = time.value;
            amend((query) => {
                query.delete("startTime");
                query.delete("endTime");
                query.set("lookback", time.value);
            });
            this.load();
        } }, this.range ? h("option", { value: "range" }, "Time of the link") : null,
        LOOKBACKS.map(([value, text]) => h("option", { value }, `Last ${text}`)));
        time.value = this.range ? "range" : this.lookback;
        const view = (text, isTable) => h("button", { class: "button small", type: "button", "aria-pressed": String(this.isTable === isTable),
            onclick: () => this.show(isTable) }, text);
        this.views = h("div", { class: "views", role: "group", "aria-label": "View" }, view("Graph", false), view("Table", true));
        const zoom = (text, label, run) => h("button", { class: "button small", type: "button", "aria-label": label, title: label, onclick: run }, text);
        this.zooms = h("div", { class: "views zooms", role: "group", "aria-label": "Zoom" }, zoom("−", "Zoom out", () => this.picture?.zoom(1.3)),
            zoom("+", "Zoom in", () => this.picture?.zoom(1 / 1.3)), zoom("Fit", "Show everything", () => this.picture?.fit()));
        this.bar = h("div", { class: "list-bar" }, this.status, this.zooms, this.views, time);
        this.stage = h("div", { class: "stage" });
        this.aside = h("aside", { class: "detail", "aria-label": "Details", hidden: true });
        replace(this.root, h("h1", { class: "unseen" }, "Dependencies"), this.bar, h("div", { class: "graph-body" }, this.stage, this.aside));
        pageKeys("Dependencies", [
            { keys: [], shown: ["Tab", "↑↓←→"], text: "from service to service" },
            { keys: [], shown: ["Enter"], text: "select the service" },
            { keys: ["+", "="], shown: ["+", "−"], text: "zoom", run: () => this.picture?.zoom(1 / 1.3) },
            { keys: ["-"], run: () => this.picture?.zoom(1.3) },
            { keys: ["0"], shown: ["0"], text: "show everything", run: () => this.picture?.fit() },
            { keys: ["/"], shown: ["/"], text: "time to look at", run: () => time.focus() },
            { keys: ["Escape"], shown: ["Esc"], text: "unselect", run: () => this.picture?.select(null) },
        ]);
        replace(this.stage, loading("Loading the dependencies"));
        this.load();
        this.unsubscribe = onSpans(() => {
            if (!this.range) this.timer ??= setTimeout(() => { this.timer = undefined; this.load(); }, REFRESH_MS);
        });
    }

    async load() {
        const end = this.range?.end ?? Date.now();
        const length = this.range ? this.range.end - this.range.start : LOOKBACKS.find(([value]) => value === this.lookback)[2];
        let links;
        try {
            links = await api.dependencies(end, Math.max(1, length), this.abort.signal);
        } catch (error) {
            if (error.name === "AbortError") return;
            replace(this.stage, failure("The dependencies could not be loaded", error.message, () => this.load()));
            return;
        }
        const text = JSON.stringify(links);
        if (text === this.shown) return;
        this.shown = text;
        this.links = links.filter((link) => typeof link.parent === "string" && typeof link.child === "string");
        this.paint();
    }

    paint() {
        const services = new Set(this.links.flatMap((link) => [link.parent, link.child]));
        const calls = this.links.reduce((sum, link) => sum + link.callCount, 0);
        const errors = this.links.reduce((sum, link) => sum + (link.errorCount ?? 0), 0);
        const isEmpty = this.links.length === 0;
        this.zooms.hidden = isEmpty || this.isTable;
        this.views.hidden = isEmpty;
        this.picture?.dispose();
        this.picture = null;
        if (isEmpty) {
            this.status.textContent = "";
            this.aside.hidden = true;
            replace(this.stage, nothing("No calls between services", "Within that time the collector knows of no span that one service "
                + "made for another. A link needs a client or a server span that names both.", h("a", { class: "button", href: "/zipkin/" }, "All traces")));
            return;
        }
        replace(this.status, h("strong", {}, plural(services.size, "service")), `, ${plural(calls, "call")}`,
            errors > 0 ? [", ", h("span", { class: "bad" }, `${percent(errors / calls)} failed`)] : null);
        announce(`${plural(services.size, "service")}, ${plural(calls, "call")}`);
        const selected = this.selected ?? this.wanted;
        if (this.isTable) {
            this.aside.hidden = true;
            replace(this.stage, this.table());
            return;
        }
        this.picture = new GraphPicture(this.links, this.stage.clientWidth / (this.stage.clientHeight || 1), (name) => this.detail(name));
        replace(this.stage, this.picture.element);
        if (selected) this.picture.select(selected);
    }

    show(isTable) {
        this.isTable = isTable;
        [...this.views.children].forEach((button, i) => button.setAttribute("aria-pressed", String((i === 1) === isTable)));
        amend((query) => (isTable ? query.set("view", "table") : query.delete("view")));
        if (this.links) this.paint();
    }

    table() {
        const row = (link) => {
            const errors = link.errorCount ?? 0;
            return h("tr", {}, h("td", {}, serviceLink(link.parent)), h("td", {}, serviceLink(link.child)),
                h("td", { class: "figure" }, count(link.callCount)), h("td", { class: errors > 0 ? "figure bad" : "figure soft" }, count(errors)),
                h("td", { class: errors > 0 ? "figure bad" : "figure soft" }, percent(link.callCount > 0 ? errors / link.callCount : 0)));
        };
        return h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Calls between services" }, h("table", {},
            h("thead", {}, h("tr", {}, ["Caller", "Called"].map((text) => h("th", { scope: "col" }, text)),
                ["Calls", "Failed", "Share"].map((text) => h("th", { scope: "col", class: "figure" }, text)))),
            h("tbody", {}, [...this.links].sort((a, b) => b.callCount - a.callCount).map(row))));
    }

    detail(name) {
        this.selected = name;
        amend((query) => (name ? query.set("serviceName", name) : query.delete("serviceName")));
        this.aside.hidden = name === null;
        if (name === null) return;
        const list = (title, links, other) => h("section", {}, h("h3", {}, title), links.length === 0 ? h("p", { class: "soft" }, "None") : h("ul", { class: "calls" },
            [...links].sort((a, b) => b.callCount - a.callCount).map((link) => h("li", {},
                h("button", { type: "button", class: "chip", onclick: () => this.picture.select(link[other]) },
                    h("span", { class: `dot ${colourOf(link[other])}`, "aria-hidden": "true" }), h("span", { class: "name" }, visible(link[other]))),
                h("span", { class: "figure" }, plural(link.callCount, "call"), link.errorCount > 0
                    ? h("span", { class: "bad" }, `, ${percent(link.errorCount / link.callCount)} failed`) : null)))));
        replace(this.aside, h("header", {}, h("div", { class: "title" }, h("p", { class: "chip" },
            h("span", { class: `dot ${colourOf(name)}`, "aria-hidden": "true" }), "Service"), h("h2", { class: "name" }, visible(name))),
        h("button", { class: "icon", type: "button", "aria-label": "Close the service", onclick: () => this.picture.select(null) }, icon(ICONS.close))),
        h("a", { class: "button small", href: searchLink({ serviceName: name, lookback: this.range ? "1d" : this.lookback }) }, "Its traces"),
        list("Calls", this.links.filter((link) => link.parent === name), "child"),
        list("Called by", this.links.filter((link) => link.child === name), "parent"));
        if (this.aside.offsetWidth < this.stage.clientWidth) this.picture.clear(this.aside.offsetWidth);
    }
}

const serviceLink = (name) => h("a", { class: "chip", href: searchLink({ serviceName: name, lookback: "1d" }) },
    h("span", { class: `dot ${colourOf(name)}`, "aria-hidden": "true" }), h("span", { class: "name" }, visible(name)));
