// live.js - news from the collector: pushed if it can, else asked for. SPDX-License-Identifier: Apache-2.0
//
// One stream of server-sent events carries the spans as they arrive. A collector without it (any other Zipkin) is asked
// again every few seconds instead. A page in the background holds no connection: browsers allow six per host.

const TAIL = "/api/divak/tail";
const POLL_MS = 3000;
const PATIENCE_MS = 4000; // a stream that is down that long is replaced by polling until it is back

const listeners = new Set();
const watchers = new Set();
let source = null;
let timer = 0;
let patience = 0;
let wanted = false;
let state = "off";

/** Calls `listener(spans)` for spans that arrived, and `listener(null)` when it is time to ask. Returns how to stop. */
export function onSpans(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

/** Calls `watcher(state)` now and at changes: "off", "connecting", "live", "polling". */
export function onState(watcher) {
    watchers.add(watcher);
    watcher(state);
}

export const isLive = () => wanted;

export function setLive(on) {
    wanted = on;
    refresh();
}

function become(next) {
    if (state === next) return;
    state = next;
    for (const watcher of watchers) watcher(state);
}

function tell(spans) {
    for (const listener of listeners) listener(spans);
}

function stop() {
    source?.close();
    source = null;
    clearInterval(timer);
    clearTimeout(patience);
    timer = 0;
    patience = 0;
}

function poll() {
    if (timer) return;
    become("polling");
    timer = setInterval(() => tell(null), POLL_MS);
}

function connect() {
    become("connecting");
    source = new EventSource(TAIL);
    source.onopen = () => {
        clearInterval(timer);
        clearTimeout(patience);
        timer = 0;
        patience = 0;
        become("live");
        tell(null); // what came between the page's first question and now
    };
    source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) poll(); // answered, but with no stream: it has none
        else if (!patience) patience = setTimeout(poll, PATIENCE_MS);
    };
    const receive = (event) => {
        let spans;
        try {
            spans = JSON.parse(event.data);
        } catch {
            return;
        }
        tell(Array.isArray(spans) ? spans : [spans]);
    };
    source.onmessage = receive;
    source.addEventListener("spans", receive);
    source.addEventListener("lost", () => tell(null)); // it could not keep up; ask for what is missing
}

function refresh() {
    stop();
    if (!wanted || document.hidden) {
        become("off");
        return;
    }
    connect();
}

document.addEventListener("visibilitychange", refresh);
