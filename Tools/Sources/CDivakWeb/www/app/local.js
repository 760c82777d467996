// local.js - spans from a file instead of the collector: dropped onto the page or opened. SPDX-License-Identifier: Apache-2.0

import { announce, h, replace } from "/assets/app/dom.js";
import { plural, visible } from "/assets/app/format.js";
import { go, traceLink } from "/assets/app/router.js";

let held = null; // { name, traces: Map of id → spans }

/** The spans of a trace that a file brought, or undefined. */
export const trace = (id) => held?.traces.get(id) ?? held?.traces.get(id.padStart(32, "0")) ?? held?.traces.get(id.slice(-16));

/** All traces of the file that is open, or null when none is. */
export const traces = () => (held ? [...held.traces.values()] : null);
export const fileName = () => held?.name ?? "";

/**
 * The spans in a text, by trace: a list of spans, a list of such lists (what /api/v2/traces answers), one span, or one
 * of these on each line. Throws an Error whose message says what is wrong.
 */
export function parseSpans(text) {
    const byTrace = new Map();
    const take = (value, where) => {
        const waiting = [value];
        while (waiting.length > 0) {
            const next = waiting.pop();
            if (Array.isArray(next)) {
                for (let i = next.length - 1; i >= 0; i -= 1) waiting.push(next[i]);
            } else if (next && typeof next === "object" && next.traceId !== undefined && next.id !== undefined) {
                const key = String(next.traceId);
                if (!byTrace.has(key)) byTrace.set(key, []);
                byTrace.get(key).push(next);
            } else {
                throw new Error(`${where} holds ${JSON.stringify(next)?.slice(0, 60)}, which is no span: `
                    + "a span is an object with traceId and id (Zipkin's JSON, version 2).");
            }
        }
    };
    let whole;
    try {
        whole = JSON.parse(text);
    } catch (error) {
        const lines = text.split("\n").filter((line) => line.trim() !== "");
        if (lines.length < 2) throw new Error(`It is no JSON: ${error.message}`, { cause: error });
        lines.forEach((line, i) => {
            let value;
            try {
                value = JSON.parse(line);
            } catch {
                throw new Error(`It is no JSON: ${error.message}`, { cause: error });
            }
            take(value, `Line ${i + 1}`);
        });
    }
    if (whole !== undefined) take(whole, "The file");
    if (byTrace.size === 0) throw new Error("There are no spans in it.");
    return byTrace;
}

function banner(...content) {
    const element = document.getElementById("local");
    element.hidden = content.length === 0;
    replace(element, ...content);
}

function close() {
    held = null;
    banner();
    go("/zipkin/");
}

export async function open(file) {
    const name = visible(file.name);
    let byTrace;
    try {
        byTrace = parseSpans(await file.text());
    } catch (error) {
        banner(h("span", { class: "bad" }, `${name} can't be shown. ${error.message}`),
            h("button", { class: "button small", type: "button", onclick: () => (held ? describe() : banner()) }, "Dismiss"));
        announce(`${name} can't be shown. ${error.message}`);
        return;
    }
    held = { name, traces: byTrace };
    describe();
    if (byTrace.size === 1) go(traceLink(byTrace.keys().next().value));
    else go("/zipkin/");
}

function describe() {
    let spans = 0;
    for (const trace of held.traces.values()) spans += trace.length;
    const text = `From the file ${held.name}: ${plural(held.traces.size, "trace")}, ${plural(spans, "span")}`;
    banner(h("span", {}, text), h("button", { class: "button small", type: "button", onclick: close }, "Close the file"));
    announce(text);
}

export function start() {
    const input = document.getElementById("file");
    const curtain = document.getElementById("drop");
    document.getElementById("open-file").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
        if (input.files.length > 0) open(input.files[0]);
        input.value = "";
    });
    const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
    let hide = 0;
    addEventListener("dragover", (event) => {
        if (!carriesFile(event)) return;
        event.preventDefault();
        curtain.hidden = false;
        clearTimeout(hide);
        hide = setTimeout(() => { curtain.hidden = true; }, 200); // dragover comes again and again until it leaves
    });
    addEventListener("drop", (event) => {
        if (!carriesFile(event)) return;
        event.preventDefault();
        curtain.hidden = true;
        if (event.dataTransfer.files.length > 0) open(event.dataTransfer.files[0]);
    });
}
