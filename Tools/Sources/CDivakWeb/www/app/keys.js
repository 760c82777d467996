// keys.js - the keyboard: who listens to which key, and the help that lists them. SPDX-License-Identifier: Apache-2.0

import { h, icon, ICONS, replace } from "/assets/app/dom.js";

const STORE = "divak.keys";
const everywhere = [];
let page = [];
let pageTitle = "";
let singles = readSingles();

function readSingles() {
    try {
        return localStorage.getItem(STORE) !== "off";
    } catch {
        return true;
    }
}

/**
 * The keys of the page that is shown; they replace those of the page before.
 *
 *     pageKeys("Trace", [{ keys: ["c"], shown: ["c"], text: "critical path", run: (event) => {} }])
 *
 * Keys without `run` are handled elsewhere and only listed.
 */
export function pageKeys(title, bindings) {
    pageTitle = title;
    page = bindings;
}

export function globalKeys(bindings) {
    everywhere.push(...bindings);
}

const isTyping = (target) => target instanceof Element
    && target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) {
        if (event.key === "Escape") event.target.blur();
        return;
    }
    // Letters and signs alone may be switched off: people who speak to their computer press them by accident.
    if (event.key.length === 1 && !singles) return;
    for (const binding of [...page, ...everywhere]) {
        if (!binding.run || !binding.keys.includes(event.key)) continue;
        if (binding.run(event) === false) continue;
        event.preventDefault();
        return;
    }
});

const listing = (title, bindings) => h("section", {}, h("h3", {}, title), h("dl", {},
    bindings.filter((binding) => binding.text).map((binding) => [
        h("dt", {}, binding.shown.map((key, i) => [i > 0 ? " " : null, h("kbd", {}, key)])),
        h("dd", {}, binding.text),
    ])));

export function showHelp() {
    const dialog = document.getElementById("help");
    const box = h("input", { type: "checkbox", id: "keys-single" });
    box.checked = singles;
    box.addEventListener("change", () => {
        singles = box.checked;
        try {
            localStorage.setItem(STORE, singles ? "on" : "off");
        } catch { /* it holds for this page */ }
    });
    replace(dialog,
        h("div", { class: "top" }, h("h2", { id: "help-title" }, "Keyboard"),
            h("button", { class: "icon", type: "button", "aria-label": "Close help", onclick: () => dialog.close() },
                icon(ICONS.close))),
        h("div", { class: "columns" }, listing(pageTitle, page), listing("Everywhere", everywhere)),
        h("label", {}, box, "Keys that are a single letter or sign"));
    dialog.showModal();
}
