// dom.js - makes elements; text from spans goes in as text and nothing else. SPDX-License-Identifier: Apache-2.0

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 *
 *     h("button", { class: "button", type: "button", onclick: run }, "Run")
 *
 * Keys that begin with "on" are listeners, "style" is an object of properties, true and false set and leave out, the
 * rest are attributes. Children are elements, texts, lists of these, or null.
 */
export function h(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) continue;
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (key === "style") setStyle(element, value);
        else element.setAttribute(key, value === true ? "" : value);
    }
    append(element, children);
    return element;
}

function append(element, children) {
    for (const child of children) {
        if (child === null || child === undefined || child === false) continue;
        if (Array.isArray(child)) append(element, child);
        else element.append(child);
    }
}

/** Sets properties one by one: the page's policy forbids style attributes, not this. */
export function setStyle(element, properties) {
    for (const [key, value] of Object.entries(properties)) element.style.setProperty(key, value);
}

export function replace(parent, ...children) {
    parent.replaceChildren();
    append(parent, children);
    return parent;
}

/** An icon of strokes in a 20 by 20 box. */
export function icon(path) {
    return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" }, svg("path", { d: path }));
}

export const ICONS = {
    close: "M5 5l10 10M15 5L5 15",
    copy: "M7.5 7.5h8v8h-8zM5 12.5h-.5v-8h8V5",
    find: "M8.8 13.5a4.7 4.7 0 1 0 0-9.4 4.7 4.7 0 0 0 0 9.4zM12.3 12.3L16 16",
};

const announcer = () => document.getElementById("announce");

/** Tells people who listen to the page. */
export function announce(text) {
    announcer().textContent = text;
}

/** A button that copies a text and says so. */
export function copyButton(text, what) {
    const button = h("button", { class: "icon small", type: "button", "aria-label": `Copy ${what}`, title: `Copy ${what}` },
        icon(ICONS.copy));
    button.addEventListener("click", async (event) => {
        event.stopPropagation();
        try {
            await navigator.clipboard.writeText(text);
            announce(`${what} copied`);
            button.title = "Copied";
        } catch {
            announce(`${what} could not be copied: the browser does not allow it here`);
            button.title = "The browser does not allow copying here";
        }
    });
    return button;
}

/** A service's name behind its colour. */
export function serviceChip(name, colour, count) {
    return h("span", { class: "chip" }, h("span", { class: `dot ${colour}`, "aria-hidden": "true" }),
        h("span", { class: "name" }, name), count > 1 ? h("span", {}, `×${count}`) : null);
}
