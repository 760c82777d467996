// form.js - the fields of a search. SPDX-License-Identifier: Apache-2.0

import * as api from "/assets/app/api.js";
import { h, replace } from "/assets/app/dom.js";
import { localField, visible } from "/assets/app/format.js";
import { LOOKBACKS, MOST, problems } from "/assets/search/query.js";

const labelled = (text, control, kind = "") => h("div", { class: `field ${kind}` }, h("label", { for: control.id }, text), control);

export class SearchForm {
    /** `onSearch(search)` is told of a search that is free of problems. */
    constructor(search, onSearch) {
        this.search = search;
        this.onSearch = onSearch;
        this.service = h("select", { id: "f-serviceName" });
        this.span = h("select", { id: "f-spanName" });
        this.tags = h("input", { id: "f-annotationQuery", type: "search", list: "tag-keys", spellcheck: "false",
            autocomplete: "off", autocapitalize: "off", placeholder: "error and http.path=/api" });
        this.keys = h("datalist", { id: "tag-keys" });
        this.least = h("input", { id: "f-minDuration", type: "text", placeholder: "10ms", autocomplete: "off" });
        this.most = h("input", { id: "f-maxDuration", type: "text", placeholder: "2s", autocomplete: "off" });
        this.lookback = h("select", { id: "f-lookback" });
        this.from = h("input", { id: "f-startTs", type: "datetime-local", step: "1" });
        this.to = h("input", { id: "f-endTs", type: "datetime-local", step: "1" });
        this.limit = h("input", { id: "f-limit", type: "number", min: 1, max: MOST });
        this.range = h("div", { class: "field range" }, labelled("From", this.from), labelled("To", this.to));
        this.trouble = h("p", { class: "trouble-line bad", role: "alert", hidden: true });
        this.element = h("form", { class: "search", role: "search", "aria-label": "Search traces", novalidate: true },
            labelled("Service", this.service, "wide"), labelled("Span", this.span, "wide"),
            labelled("Tags and annotations", this.tags, "widest"), this.keys,
            labelled("Min duration", this.least, "narrow"), labelled("Max duration", this.most, "narrow"),
            labelled("In the last", this.lookback, "narrow"), this.range,
            labelled("Limit", this.limit, "narrow"),
            h("button", { class: "button primary", type: "submit" }, "Search"), this.trouble);
        this.element.addEventListener("submit", (event) => {
            event.preventDefault();
            this.submit();
        });
        this.service.addEventListener("change", () => {
            this.search.spanName = "";
            this.loadSpanNames();
            this.submit();
        });
        for (const control of [this.span, this.lookback]) control.addEventListener("change", () => this.submit());
        this.show();
    }

    focus() {
        this.tags.focus();
        this.tags.select();
    }

    /** Puts a search into the fields. */
    show() {
        const { search } = this;
        this.options(this.service, "All services", [], search.serviceName);
        this.options(this.span, "All spans", [], search.spanName);
        this.tags.value = search.annotationQuery;
        this.least.value = search.minDuration;
        this.most.value = search.maxDuration;
        this.limit.value = search.limit;
        const known = LOOKBACKS.some(([value]) => value === search.lookback) || search.lookback === "range";
        replace(this.lookback, LOOKBACKS.map(([value, text]) => h("option", { value }, text)),
            known ? null : h("option", { value: search.lookback }, search.lookback), h("option", { value: "range" }, "Between …"));
        this.lookback.value = search.lookback;
        this.range.hidden = search.lookback !== "range";
        if (search.lookback === "range") {
            this.from.value = localField(search.startTs);
            this.to.value = localField(search.endTs);
        }
    }

    options(select, all, names, chosen) {
        const listed = chosen && !names.includes(chosen) ? [...names, chosen].sort() : names;
        replace(select, h("option", { value: "" }, all), listed.map((name) => h("option", { value: name }, visible(name))));
        select.value = chosen;
    }

    /** Asks for the names to choose from. Returns the services; throws what the API throws. */
    async load(signal) {
        const services = await api.services(signal);
        this.options(this.service, "All services", services, this.search.serviceName);
        await this.loadSpanNames(signal);
        this.loadKeys(signal);
        return services;
    }

    async loadSpanNames(signal) {
        const service = this.service.value;
        this.span.disabled = !service && !this.search.spanName;
        if (!service) {
            this.options(this.span, "All spans", [], this.search.spanName);
            return;
        }
        try {
            this.options(this.span, "All spans", await api.spanNames(service, signal), this.search.spanName);
        } catch {
            this.options(this.span, "All spans", [], this.search.spanName); // the search itself says what is wrong
        }
    }

    async loadKeys(signal) {
        try {
            const keys = await api.tagKeys(signal);
            replace(this.keys, h("option", { value: "error" }), keys.filter((key) => key !== "error").map((key) => h("option", { value: `${key}=` })));
        } catch { /* suggestions only */ }
    }

    /** Reads the fields; tells of the search, or of what is wrong with it. */
    submit() {
        const { search } = this;
        search.serviceName = this.service.value;
        search.spanName = this.span.value;
        search.annotationQuery = this.tags.value.trim();
        search.minDuration = this.least.value.trim();
        search.maxDuration = this.most.value.trim();
        search.limit = Number(this.limit.value);
        const wasRange = search.lookback === "range";
        search.lookback = this.lookback.value;
        if (search.lookback === "range" && !wasRange) {
            search.endTs = Date.now(); // something to begin with: the last quarter of an hour
            search.startTs = search.endTs - 900e3;
            this.show();
        } else if (search.lookback === "range") {
            search.startTs = new Date(this.from.value).getTime();
            search.endTs = new Date(this.to.value).getTime();
        }
        this.range.hidden = search.lookback !== "range";
        const wrong = problems(search);
        for (const field of ["minDuration", "maxDuration", "startTs", "endTs", "limit"]) {
            const control = this.element.querySelector(`#f-${field}`);
            const isWrong = wrong.some((problem) => problem.field === field);
            control.setAttribute("aria-invalid", String(isWrong));
        }
        this.trouble.hidden = wrong.length === 0;
        this.trouble.textContent = wrong.map((problem) => problem.text).join(". ");
        if (wrong.length === 0) this.onSearch(search);
    }
}
