// main.js - starts the trace view: pages, live updates, files, keyboard. SPDX-License-Identifier: Apache-2.0

import { h, replace } from "/assets/app/dom.js";
import { globalKeys, pageKeys, showHelp } from "/assets/app/keys.js";
import * as live from "/assets/app/live.js";
import * as local from "/assets/app/local.js";
import { go, start, traceLink } from "/assets/app/router.js";
import { showGraph } from "/assets/graph/page.js";
import { showSearch } from "/assets/search/page.js";
import { showTrace } from "/assets/trace/page.js";

const main = document.getElementById("main");
const pages = { search: showSearch, trace: showTrace, graph: showGraph, nowhere: showNowhere };
let dispose = null;
let shown = false;

function render(route) {
    dispose?.();
    dispose = null;
    main.replaceChildren();
    main.className = `page-${route.page}`;
    for (const link of document.querySelectorAll(".bar nav a")) {
        if (link.dataset.page === route.page) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    dispose = pages[route.page](main, route) ?? null;
    // A page that replaces another begins where a new document would: at its content.
    if (shown && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    shown = true;
}

function showNowhere(root, route) {
    document.title = "Not found · Divak";
    pageKeys("This page", []);
    replace(root, h("div", { class: "message" }, h("h2", {}, "There is no such page"),
        h("p", {}, `Nothing is served at ${route.path}.`),
        h("div", { class: "actions" }, h("a", { class: "button", href: "/zipkin/" }, "All traces"))));
}

// ---- The bar -------------------------------------------------------------------------------------------------------

const LIVE = "divak.live";
const liveButton = document.getElementById("live");
const liveWords = {
    off: "Live updates are off",
    connecting: "Live updates: connecting",
    live: "Live updates: spans arrive as the collector gets them",
    polling: "Live updates: asking every 3 seconds",
};
live.onState((state) => {
    liveButton.dataset.state = state;
    liveButton.title = liveWords[state];
    liveButton.setAttribute("aria-pressed", String(live.isLive()));
});
function toggleLive() {
    live.setLive(!live.isLive());
    liveButton.setAttribute("aria-pressed", String(live.isLive()));
    try {
        localStorage.setItem(LIVE, live.isLive() ? "on" : "off");
    } catch { /* it holds for this page */ }
}
liveButton.addEventListener("click", toggleLive);
function wantsLive() {
    try {
        return localStorage.getItem(LIVE) !== "off";
    } catch {
        return true;
    }
}

document.getElementById("goto").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("goto-id");
    const id = field.value.trim().toLowerCase().replaceAll("-", "");
    const good = /^[0-9a-f]{1,32}$/.test(id);
    field.setAttribute("aria-invalid", String(!good));
    field.setCustomValidity(good ? "" : "A trace id is 1 to 32 hexadecimal digits");
    field.reportValidity();
    if (good) {
        field.value = "";
        go(traceLink(id));
    }
});
document.getElementById("goto-id").addEventListener("input", (event) => event.target.setCustomValidity(""));
document.getElementById("help-open").addEventListener("click", showHelp);

globalKeys([
    { keys: ["?"], shown: ["?"], text: "this help", run: showHelp },
    { keys: ["T"], shown: ["Shift", "T"], text: "all traces", run: () => go("/zipkin/") },
    { keys: ["D"], shown: ["Shift", "D"], text: "dependencies", run: () => go("/zipkin/dependency") },
    { keys: ["l"], shown: ["l"], text: "live updates on or off", run: toggleLive },
    { keys: ["t"], shown: ["t"], text: "theme", run: () => document.getElementById("theme").click() },
]);

local.start();
start(render);
live.setLive(wantsLive());
