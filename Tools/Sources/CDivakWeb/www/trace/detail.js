// detail.js - what is beside the waterfall: the selected span, or where the time of the trace went. SPDX-License-Identifier: Apache-2.0

import { colourOf } from "/assets/app/colours.js";
import { copyButton, h, icon, ICONS } from "/assets/app/dom.js";
import { count, duration, instant, percent, plural, visible, visibleLines } from "/assets/app/format.js";
import { searchLink } from "/assets/app/router.js";
import { serviceName, spanName } from "/assets/trace/row.js";

const field = (label, ...value) => [h("dt", {}, label), h("dd", {}, ...value)];
const section = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);
const idField = (label, id) => field(label, h("span", { class: "with-copy" }, h("code", {}, visible(id)),
    copyButton(id, label)));

/** The selected span. `onClose` leads back to the trace. */
export function spanDetail(node, trace, onClose, onGo) {
    const span = node.span;
    const whole = trace.duration || trace.end;
    const critical = (node.critical ?? []).reduce((sum, [start, end]) => sum + end - start, 0);
    return [
        h("header", {},
            h("div", { class: "title" },
                h("p", { class: "chip" }, h("span", { class: `dot ${colourOf(node.service)}`, "aria-hidden": "true" }),
                    h("span", { class: "name" }, serviceName(node)), span.kind ? h("span", {}, visible(span.kind).toLowerCase()) : null),
                h("h2", { class: "name" }, spanName(node))),
            h("button", { class: "icon", type: "button", "aria-label": "Close the span", title: "Close (Escape)", onclick: onClose },
                icon(ICONS.close))),
        span.tags.has("error") ? h("p", { class: "trouble" }, h("strong", {}, "Error"),
            span.tags.get("error") ? h("span", { class: "value" }, visibleLines(span.tags.get("error"))) : null) : null,
        h("dl", { class: "figures" },
            field("Duration", duration(node.duration), node.duration !== null && whole > 0
                ? h("span", { class: "soft" }, ` ${percent(node.duration / whole)} of the trace`) : null),
            field("Own time", duration(node.self), node.duration > 0
                ? h("span", { class: "soft" }, ` ${percent(node.self / node.duration)} of the span`) : null),
            critical > 0 ? field("Critical path", duration(critical), whole > 0
                ? h("span", { class: "soft" }, ` ${percent(critical / whole)} of the trace`) : null) : null,
            field("Starts", span.timestamp === null ? "not reported" : ["at +", duration(node.start)]),
            span.timestamp === null ? null : field("Clock", instant(span.timestamp / 1000))),
        notes(node),
        section(`Tags`, span.tags.size === 0 ? h("p", { class: "soft" }, "None") : h("dl", { class: "pairs" },
            [...span.tags].sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([key, value]) => tag(key, value, span)))),
        section("Annotations", span.annotations.length === 0 ? h("p", { class: "soft" }, "None") : h("ol", { class: "notes" },
            span.annotations.map((note) => h("li", {},
                h("span", { class: "when" }, `+${duration(note.timestamp - trace.start + node.skew)}`),
                h("span", { class: "value name" }, visibleLines(note.value)))))),
        section("Endpoints", h("dl", { class: "pairs" },
            pair("recorded by", endpoint(span.local)), span.remote ? pair("other side", endpoint(span.remote)) : null)),
        section("Ids", h("dl", { class: "pairs" }, idField("trace", span.traceId), idField("span", span.id),
            span.parentId ? idField("parent", span.parentId) : field("parent", "none: it begins the trace")),
            node.parent ? h("button", { class: "button small", type: "button", onclick: () => onGo(node.parent) }, "Go to the parent") : null),
    ];
}

const pair = (label, text) => [h("dt", {}, label), h("dd", {}, text)];

function tag(key, value, span) {
    const query = { serviceName: span.local?.serviceName, annotationQuery: value ? `${key}=${value}` : key, lookback: "1d" };
    // "and" separates terms and "=" ends the key in Zipkin's query; such a tag can't be asked for.
    const canAsk = key !== "" && !/ and |=/.test(key) && !/ and /.test(value) && value.length < 200;
    return [
        h("dt", { class: key === "error" ? "name bad" : "name" }, visible(key) || "(empty)"),
        h("dd", {}, h("span", { class: "value name" }, value === "" ? h("span", { class: "soft" }, "(empty)") : visibleLines(value)),
            h("span", { class: "tools" }, copyButton(value, `value of ${visible(key)}`),
                canAsk ? h("a", { class: "icon small", href: searchLink(query), "aria-label": `Traces with this ${visible(key)}`, title: "Traces with this tag" },
                    icon(ICONS.find)) : null)),
    ];
}

function endpoint(value) {
    if (!value) return "not reported";
    const address = value.port ? `${value.ip}${value.ip ? ":" : "port "}${value.port}` : value.ip;
    return h("span", { class: "name" }, [visible(value.serviceName), visible(address)].filter(Boolean).join("  ") || "not reported");
}

/** What a reader must know to read the bar right. */
function notes(node) {
    const span = node.span;
    const texts = [];
    if (span.shared) texts.push("The server's half of a span whose id it shares with its client.");
    if (node.skew !== 0) {
        texts.push(`Moved by ${node.skew > 0 ? "+" : ""}${duration(node.skew)}: the host's clock disagrees with its caller's.`);
    }
    if (node.orphan) texts.push("Its parent has not arrived.");
    if (span.timestamp === null) texts.push("It was reported without a time, and stands where its parent begins.");
    else if (span.duration === null) texts.push("It was reported without a duration: unfinished, or the end was lost.");
    if (span.pieces > 1) texts.push(`Put together from ${span.pieces} reports.`);
    if (span.debug) texts.push("Recorded because a caller asked for it (debug).");
    return texts.length > 0 ? h("ul", { class: "remarks" }, texts.map((text) => h("li", {}, text))) : null;
}

/** The trace as a whole. `on` is told: service(name) to mark a service's spans, go(node). */
export function traceDetail(trace, marked, on) {
    const whole = trace.critical.reduce((sum, piece) => sum + piece.end - piece.start, 0);
    const byTime = [...trace.services].sort((a, b) => b.critical - a.critical || b.spans - a.spans);
    const failed = trace.nodes.filter((node) => node.error);
    const MOST = 30;
    return [
        h("header", {}, h("div", { class: "title" }, h("h2", {}, "Where the time went"),
            h("p", { class: "soft" }, "Share of the critical path, by service"))),
        h("ul", { class: "shares" }, byTime.map((service) => h("li", {}, h("button", {
            type: "button", class: `share ${colourOf(service.name)}`, "aria-pressed": String(marked === service.name),
            onclick: () => on.service(marked === service.name ? null : service.name),
        }, h("span", { class: "chip" }, h("span", { class: "dot", "aria-hidden": "true" }),
            h("span", { class: "name" }, visible(service.name))),
        h("span", { class: "part" }, whole > 0 ? percent(service.critical / whole) : "–"),
        h("span", { class: "track" }, h("span", { class: "share-fill", style: { width: `${whole > 0 ? (service.critical / whole) * 100 : 0}%` } })),
        h("span", { class: "soft spans" }, plural(service.spans, "span")))))),
        failed.length > 0 ? section(plural(failed.length, "error"), h("ul", { class: "failures" },
            failed.slice(0, MOST).map((node) => h("li", {}, h("button", { type: "button", onclick: () => on.go(node) },
                h("span", { class: "name" }, `${serviceName(node)}  ${spanName(node)}`),
                h("span", { class: "bad name" }, visible(node.span.tags.get("error") ?? "").slice(0, 200) || "error")))),
            failed.length > MOST ? h("li", { class: "soft" }, `and ${count(failed.length - MOST)} more`) : null)) : null,
        trace.orphans + trace.adjusted > 0 ? h("ul", { class: "remarks" },
            trace.orphans > 0 ? h("li", {}, `${plural(trace.orphans, "span")} without its parent: it has not arrived, or was not sampled.`) : null,
            trace.adjusted > 0 ? h("li", {}, `${plural(trace.adjusted, "span")} moved, because two hosts' clocks disagree.`) : null) : null,
    ];
}
