// page.js - the search: fields, the traces found, and new ones as they come. SPDX-License-Identifier: Apache-2.0

import * as api from "/assets/app/api.js";
import { announce, h, replace } from "/assets/app/dom.js";
import { plural, visible } from "/assets/app/format.js";
import { pageKeys } from "/assets/app/keys.js";
import { isLive, onSpans } from "/assets/app/live.js";
import * as local from "/assets/app/local.js";
import { failure, loading, nothing } from "/assets/app/messages.js";
import { go } from "/assets/app/router.js";
import { firstSteps } from "/assets/search/first.js";
import { SearchForm } from "/assets/search/form.js";
import { barScale, ORDERS, refreshTimes, summarize, traceRow } from "/assets/search/list.js";
import { fromAddress, toAddress, toApi } from "/assets/search/query.js";
import { scatter } from "/assets/search/scatter.js";

const REFRESH_MS = 700; // news within that time are asked for together

export function showSearch(root, route) {
    document.title = "Traces · Divak";
    const page = new SearchPage(root, route);
    page.begin();
    return () => page.dispose();
}

let order = "newest"; // kept while one goes back and forth

class SearchPage {
    constructor(root, route) {
        this.root = root;
        this.abort = new AbortController();
        this.summaries = [];
        this.known = new Map(); // id and number of spans → summary: most traces of a refresh are there already
        this.isFile = local.traces() !== null;
        this.search = fromAddress(route.query);
        this.form = this.isFile ? null : new SearchForm(this.search, (search) => go(toAddress(search)));
        this.status = h("p", { class: "status", role: "status" });
        this.results = h("div", { class: "results" });
    }

    dispose() {
        this.abort.abort();
        this.unsubscribe?.();
        clearTimeout(this.timer);
        clearInterval(this.clock);
        removeEventListener("resize", this.resize);
    }

    begin() {
        this.sorter = h("select", { id: "order", "aria-label": "Order of the traces" },
            Object.entries(ORDERS).map(([value, [text]]) => h("option", { value }, `${text} first`)));
        this.sorter.value = order;
        this.sorter.addEventListener("change", () => {
            order = this.sorter.value;
            this.paint();
        });
        this.fresh = h("button", { class: "button small primary new-traces", type: "button", hidden: true, onclick: () => {
            this.scroller.scrollTop = 0;
            this.refresh();
        } });
        this.toolbar = h("div", { class: "list-bar" }, this.status, this.fresh, this.sorter);
        this.scroller = h("div", { class: "list-scroll", onscroll: () => this.scroller.classList.toggle("scrolled", this.scroller.scrollTop > 2) },
            this.results);
        replace(this.root, h("h1", { class: "unseen" }, "Traces"), this.form?.element, this.toolbar, this.scroller);
        this.toolbar.hidden = true;
        this.keys();
        this.clock = setInterval(() => refreshTimes(this.results), 15_000);
        this.resize = () => this.paintScatter();
        addEventListener("resize", this.resize);
        if (this.isFile) {
            this.take(local.traces());
            return;
        }
        this.run();
        this.unsubscribe = onSpans((spans) => {
            if (spans && spans.length === 0) return;
            this.timer ??= setTimeout(() => {
                this.timer = undefined;
                this.news();
            }, REFRESH_MS);
        });
    }

    /** The first question. */
    async run() {
        const wait = setTimeout(() => replace(this.results, loading("Searching")), 150);
        const { signal } = this.abort;
        try {
            const [services, traces] = await Promise.all([this.form.load(signal), api.traces(toApi(this.search), signal)]);
            clearTimeout(wait);
            this.hasServices = services.length > 0;
            this.take(traces);
        } catch (error) {
            clearTimeout(wait);
            if (error.name === "AbortError") return;
            this.toolbar.hidden = true;
            replace(this.results, failure(error.status === 400 ? "The collector does not take this search" : "The search failed",
                error.message, () => this.run()));
        }
    }

    /** Spans have arrived, or it is time to ask. The list does not move under a reader who has scrolled down. */
    async news() {
        if (this.search.lookback === "range" || !isLive()) return;
        if (this.scroller.scrollTop > 40) {
            try {
                const traces = await api.traces(toApi(this.search), this.abort.signal);
                const shown = new Set(this.summaries.map((summary) => summary.id));
                const more = traces.filter((spans) => spans.length > 0 && !shown.has(spans[0].traceId)).length;
                this.fresh.hidden = more === 0;
                this.fresh.textContent = `Show ${plural(more, "new trace")}`;
            } catch { /* the next news will ask again */ }
            return;
        }
        await this.refresh();
    }

    async refresh() {
        this.fresh.hidden = true;
        try {
            const { signal } = this.abort;
            if (!this.hasServices) this.hasServices = (await this.form.load(signal)).length > 0;
            this.take(await api.traces(toApi(this.search), signal), true);
        } catch (error) {
            if (error.name !== "AbortError" && this.summaries.length === 0) {
                replace(this.results, failure("The search failed", error.message, () => this.run()));
            }
        }
    }

    take(traces, isRefresh = false) {
        const before = new Set(this.summaries.map((summary) => summary.id));
        const known = new Map();
        this.summaries = [];
        for (const spans of traces) {
            if (spans.length === 0) continue;
            const key = `${spans[0].traceId}/${spans.length}`;
            const summary = this.known.get(key) ?? summarize(spans);
            known.set(key, summary);
            this.summaries.push(summary);
        }
        this.known = known;
        this.freshIds = isRefresh ? new Set(this.summaries.map((summary) => summary.id).filter((id) => !before.has(id))) : new Set();
        this.paint();
        if (isRefresh && this.freshIds.size > 0) announce(plural(this.freshIds.size, "new trace"));
    }

    // ---- Painting --------------------------------------------------------------------------------------------------

    paint() {
        const { summaries } = this;
        this.toolbar.hidden = summaries.length === 0;
        if (summaries.length === 0) {
            replace(this.results, this.emptiness());
            return;
        }
        const scale = barScale(summaries);
        const failed = summaries.filter((summary) => summary.errors > 0).length;
        replace(this.status, h("strong", {}, plural(summaries.length, "trace")),
            failed > 0 ? [", ", h("span", { class: "bad" }, `${failed} with errors`)] : null,
            !this.isFile && summaries.length >= this.search.limit ? `, the limit; there may be more` : null);
        const sorted = [...summaries].sort(ORDERS[order][1]);
        const focused = document.activeElement?.closest?.("a.trace")?.dataset.id;
        this.plot = h("div", { class: "plot" });
        const list = h("ul", { class: "traces", "aria-label": "Traces" },
            sorted.map((summary) => traceRow(summary, scale, this.freshIds.has(summary.id))));
        replace(this.results, this.plot, list);
        this.paintScatter();
        if (focused) this.results.querySelector(`a.trace[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }

    paintScatter() {
        if (!this.plot) return;
        replace(this.plot, scatter(this.summaries, this.plot.clientWidth));
    }

    emptiness() {
        if (this.hasServices === false && this.isUnfiltered()) return firstSteps();
        const wider = { ...this.search, lookback: "7d" };
        return nothing("No traces match", this.isUnfiltered()
            ? "Nothing has arrived within that time."
            : `Nothing within that time matches ${this.description()}.`,
        this.search.lookback === "7d" ? null : h("a", { class: "button", href: toAddress(wider) }, "Search the last 7 days"),
        this.isUnfiltered() ? null : h("a", { class: "button", href: "/zipkin/" }, "Clear the search"));
    }

    isUnfiltered() {
        const { search } = this;
        return !(search.serviceName || search.spanName || search.annotationQuery || search.minDuration || search.maxDuration);
    }

    description() {
        const { search } = this;
        return [search.serviceName, search.spanName, search.annotationQuery, search.minDuration && `at least ${search.minDuration}`,
            search.maxDuration && `at most ${search.maxDuration}`].filter(Boolean).map(visible).join(", ");
    }

    // ---- Keyboard --------------------------------------------------------------------------------------------------

    keys() {
        const rows = () => [...this.results.querySelectorAll("a.trace")];
        const move = (step) => (event) => {
            if (event.target.closest?.("a:not(.trace), button") && !event.target.closest("main")) return false;
            const all = rows();
            if (all.length === 0) return false;
            const at = all.indexOf(document.activeElement);
            const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
            all[next].focus();
            return true;
        };
        pageKeys("Traces", [
            { keys: ["ArrowDown", "j"], shown: ["↓"], text: "next trace", run: move(1) },
            { keys: ["ArrowUp", "k"], shown: ["↑"], text: "previous trace", run: move(-1) },
            { keys: ["Home"], run: move(-1e9) },
            { keys: ["End"], run: move(1e9) },
            { keys: [], shown: ["Enter"], text: "open the trace" },
            { keys: ["/"], shown: ["/"], text: "search", run: () => this.form?.focus() },
            { keys: ["r"], shown: ["r"], text: "search again", run: () => (this.isFile ? false : this.refresh()) },
            { keys: ["Escape"], shown: ["Esc"], text: "leave a field", run: () => document.activeElement.blur() },
        ]);
    }
}
