// first.js - what to do before there is anything to see: how to send the first span. SPDX-License-Identifier: Apache-2.0

import { announce, copyButton, h, replace } from "/assets/app/dom.js";

const hex = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Three lines for each way, for the collector at this address. */
function ways() {
    const base = location.origin;
    const span = JSON.stringify([{ traceId: hex(16), id: hex(8), name: "hello", timestamp: Date.now() * 1000, duration: 1500,
        localEndpoint: { serviceName: "first" } }]);
    return [
        ["Swift", `let tracer = try DivakTracer()                  // DIVAK_ENDPOINT=${base}\n`
            + "tracer.withSpan(\"hello\") { span in span.tag(\"first\", \"yes\") }\ntry await tracer.shutdown()"],
        ["C", "divak_tracer_create(NULL, &tracer);             /* DIVAK_ENDPOINT=" + base + " */\n"
            + "divak_span_start(tracer, \"hello\", 5, DIVAK_KIND_LOCAL, NULL, &span);\ndivak_span_finish(&span);"],
        ["Shell", `curl ${base}/api/v2/spans \\\n    -H 'content-type: application/json' \\\n    -d '${span}'`],
    ];
}

export function firstSteps() {
    announce("No spans yet");
    const code = h("pre", { tabindex: "0", "aria-label": "How to send a span" });
    const copy = h("span", {});
    const tabs = h("div", { class: "tabs" });
    const show = (chosen) => {
        const all = ways();
        replace(tabs, all.map(([name], i) => h("button", { class: "button small", type: "button", "aria-pressed": String(i === chosen),
            onclick: () => { show(i); tabs.children[i].focus(); } }, name)), copy);
        code.textContent = all[chosen][1];
        replace(copy, copyButton(all[chosen][1], "lines"));
    };
    show(0);
    return h("div", { class: "message first" }, h("h2", {}, "No spans yet"),
        h("p", {}, "The collector is running and waits for the first one. It appears here as soon as it arrives."), tabs, code,
        h("p", {}, `Anything that speaks to Zipkin may send here: ${location.origin}/api/v2/spans takes its JSON and its proto3. `
            + "To look at spans from a file, drop it onto this page."));
}
