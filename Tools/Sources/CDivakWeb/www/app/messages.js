// messages.js - what stands in for content: waiting, nothing there, trouble. SPDX-License-Identifier: Apache-2.0

import { announce, h } from "/assets/app/dom.js";

export function loading(text) {
    announce(text);
    return h("div", { class: "message" }, h("div", { class: "spinner", "aria-hidden": "true" }), h("p", {}, `${text} …`));
}

export function failure(title, text, retry) {
    announce(title);
    return h("div", { class: "message" }, h("h2", {}, title), h("p", {}, text), h("div", { class: "actions" },
        h("button", { class: "button primary", type: "button", onclick: retry }, "Try again"),
        h("a", { class: "button", href: "/zipkin/" }, "All traces")));
}

export function nothing(title, text, ...actions) {
    announce(title);
    return h("div", { class: "message" }, h("h2", {}, title), h("p", {}, text), h("div", { class: "actions" }, ...actions));
}
