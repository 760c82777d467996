// colours.js - which service has which colour: the same one on every page. SPDX-License-Identifier: Apache-2.0

const SLOTS = 16;
const STORE = "divak.colours";
const MOST_KEPT = 300;
const taken = new Map(remembered()); // service → slot

/** What earlier pages chose, so that a service looks the same tomorrow. */
function remembered() {
    try {
        const pairs = JSON.parse(localStorage.getItem(STORE) ?? "[]");
        return pairs.filter(([name, slot]) => typeof name === "string" && slot >= 0 && slot < SLOTS);
    } catch {
        return [];
    }
}

function remember() {
    try {
        localStorage.setItem(STORE, JSON.stringify([...taken].slice(-MOST_KEPT)));
    } catch { /* then until the page is closed */ }
}

let waiting;

function hash(text) {
    let value = 0x811c9dc5;
    for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    return (value ^ (value >>> 15)) >>> 0;
}

/** The class that sets the colour `--c` of a service. A name keeps its slot; neighbours move aside while some are free. */
export function colourOf(service) {
    if (!service) return "c-none";
    let slot = taken.get(service);
    if (slot === undefined) {
        slot = hash(service) % SLOTS;
        const used = new Set(taken.values());
        for (let step = 0; step < SLOTS && used.has(slot); step += 1) slot = (slot + 1) % SLOTS;
        taken.set(service, slot);
        waiting ??= setTimeout(() => { waiting = undefined; remember(); }, 500);
    }
    return `c${slot}`;
}

/** The colours as the canvas takes them, in the theme that holds: a function from class to colour. */
export function canvasColours() {
    const probe = document.createElement("i");
    probe.hidden = true;
    document.body.append(probe);
    const known = new Map();
    const read = (value) => {
        probe.style.color = value;
        return getComputedStyle(probe).color;
    };
    for (let slot = 0; slot <= SLOTS; slot += 1) {
        const name = slot === SLOTS ? "c-none" : `c${slot}`;
        probe.className = name;
        known.set(name, read("var(--c)"));
    }
    for (const name of ["error-bar", "ink", "line", "soft", "surface", "accent"]) known.set(name, read(`var(--${name})`));
    probe.remove();
    return (name) => known.get(name);
}
