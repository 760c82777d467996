// router.js - addresses and pages: Zipkin's own, so that links to a Zipkin work here. SPDX-License-Identifier: Apache-2.0

let show = () => {};

/** What an address asks for: { page, id?, query }. */
export function parse(url) {
    const path = url.pathname.replace(/\/+$/, "");
    const query = url.searchParams;
    const trace = /^(?:\/zipkin)?\/traces?\/([^/]+)$/.exec(path);
    if (trace) {
        let id = trace[1];
        try {
            id = decodeURIComponent(id);
        } catch { /* shown as it is; the collector will not know it */ }
        return { page: "trace", id, query };
    }
    if (/^(?:\/zipkin)?\/dependenc(?:y|ies)$/.test(path)) return { page: "graph", query };
    if (path === "" || path === "/zipkin") return { page: "search", query };
    return { page: "nowhere", path, query };
}

export const traceLink = (id, span) =>
    `/zipkin/traces/${encodeURIComponent(id)}${span ? `?spanId=${encodeURIComponent(span)}` : ""}`;

export function searchLink(parameters) {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(parameters)) {
        if (value !== undefined && value !== null && value !== "") query.set(key, value);
    }
    return query.size > 0 ? `/zipkin/?${query}` : "/zipkin/";
}

/** Starts routing: `render(route)` is called for this address and for each that follows. */
export function start(render) {
    show = () => render(parse(new URL(location.href)));
    addEventListener("popstate", show);
    document.addEventListener("click", (event) => {
        if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
        const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
        if (!link || link.hasAttribute("download") || link.target) return;
        const url = new URL(link.href);
        if (url.origin !== location.origin || url.pathname.startsWith("/api/") || url.hash) return;
        if (parse(url).page === "nowhere") return;
        event.preventDefault();
        go(url.pathname + url.search);
    });
    show();
}

export function go(address) {
    history.pushState(null, "", address);
    show();
}

/** Changes the address without showing anything else. */
export function amend(change) {
    const url = new URL(location.href);
    change(url.searchParams);
    history.replaceState(history.state, "", url.pathname + url.search);
}

export const again = () => show();
