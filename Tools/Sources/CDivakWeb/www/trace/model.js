// model.js - a trace as a tree in time, built from its spans. SPDX-License-Identifier: Apache-2.0
//
// All walks are loops: a trace may be ten thousand spans deep.

import { markCriticalPath } from "/assets/trace/critical.js";
import { mergeSpans } from "/assets/trace/merge.js";

/**
 * The trace of these spans.
 *
 * `nodes` are in the order in which the waterfall shows them, parents first; `node.index` is a node's place in it and
 * `node.after` the place behind its last descendant. Times are microseconds since `start`, which is epoch microseconds.
 */
export function buildTrace(raws) {
    const { spans, byId } = mergeSpans(raws);
    const nodes = spans.map(makeNode);
    const roots = link(nodes, byId);
    const start = placeInTime(roots);
    const ordered = order(roots);
    let end = 0;
    let depth = 0;
    let errors = 0;
    let adjusted = 0;
    let longestId = "";
    const services = new Map();
    for (const node of ordered) {
        end = Math.max(end, node.end);
        depth = Math.max(depth, node.depth);
        if (node.error) errors += 1;
        if (node.skew !== 0) adjusted += 1;
        if (node.span.traceId.length > longestId.length) longestId = node.span.traceId;
        if (node.service) {
            const known = services.get(node.service);
            if (known) known.spans += 1;
            else services.set(node.service, { name: node.service, spans: 1, critical: 0 });
        }
        node.self = selfTime(node);
    }
    const root = mainRoot(roots);
    const critical = root ? markCriticalPath(root) : [];
    for (const piece of critical) {
        const service = services.get(piece.node.service);
        if (service) service.critical += piece.end - piece.start;
    }
    return {
        id: longestId, nodes: ordered, roots, root, start, end, depth: depth + 1, errors, adjusted, critical,
        duration: root?.duration ?? (end > 0 ? end : null),
        services: [...services.values()].sort((a, b) => b.spans - a.spans || (a.name < b.name ? -1 : 1)),
        orphans: ordered.filter((node) => node.orphan).length,
        dated: spans.some((span) => span.timestamp !== null),
    };
}

function makeNode(span) {
    const service = span.local?.serviceName || "";
    return {
        span, service,
        key: `${span.id}${span.shared ? "+" : ""}`,
        name: span.name,
        error: span.tags.has("error"),
        parent: null, children: [], orphan: false,
        depth: 0, index: 0, after: 0,
        start: 0, end: 0, duration: span.duration, skew: 0, self: null, critical: null,
    };
}

/** Gives each node its parent; returns those that have none. */
function link(nodes, byId) {
    const nodeOf = new Map(nodes.map((node) => [node.span, node]));
    const halves = (id) => byId.get(id)?.map((span) => nodeOf.get(span)) ?? [];
    const roots = [];
    for (const node of nodes) {
        let parent = null;
        if (node.span.shared) parent = halves(node.span.id).find((half) => !half.span.shared) ?? null;
        if (!parent && node.span.parentId) {
            // The half of the same service made it; if none did, the one that started the span.
            const candidates = halves(node.span.parentId);
            parent = candidates.find((half) => half.span.shared && half.service === node.service)
                ?? candidates.find((half) => !half.span.shared) ?? candidates[0] ?? null;
            node.orphan = parent === null;
        }
        if (parent === node) parent = null;
        node.parent = parent;
        if (parent) parent.children.push(node);
        else roots.push(node);
    }
    breakCircles(nodes, roots);
    // With one true root, those whose parents are not here stand below it, as they do in Zipkin.
    const whole = roots.filter((node) => !node.orphan);
    if (whole.length !== 1) return roots;
    for (const node of roots) {
        if (node === whole[0]) continue;
        node.parent = whole[0];
        whole[0].children.push(node);
    }
    return whole;
}

/** Spans that are each other's ancestors hang from no root: the first of each circle becomes one. */
function breakCircles(nodes, roots) {
    const reached = new Set();
    const reach = (root) => {
        const waiting = [root];
        while (waiting.length > 0) {
            const node = waiting.pop();
            if (reached.has(node)) continue;
            reached.add(node);
            for (const child of node.children) waiting.push(child);
        }
    };
    for (const root of roots) reach(root);
    for (const node of nodes) {
        if (reached.has(node)) continue;
        node.parent.children.splice(node.parent.children.indexOf(node), 1);
        node.parent = null;
        node.orphan = true;
        roots.push(node);
        reach(node);
    }
}

const hostOf = (node) => node.span.local?.ip || node.service;

/**
 * Sets start and end of each node, and corrects the clocks of servers; returns the trace's start in epoch microseconds.
 *
 * A server that seems to work outside of its client's call has a clock that is off. Its span is put into the middle of
 * the call, and what its host recorded below it moves along.
 */
function placeInTime(roots) {
    let base = Infinity;
    const waiting = [...roots];
    const seen = [];
    while (waiting.length > 0) {
        const node = waiting.pop();
        seen.push(node);
        if (node.span.timestamp !== null) base = Math.min(base, node.span.timestamp);
        for (const child of node.children) waiting.push(child);
    }
    if (base === Infinity) base = 0;
    let least = Infinity;
    for (const node of seen) { // parents come before children
        const parent = node.parent;
        if (node.span.timestamp === null) {
            node.start = parent ? parent.start : 0;
            node.end = node.start + (node.duration ?? 0);
            continue;
        }
        const raw = node.span.timestamp - base;
        if (parent && hostOf(node) === hostOf(parent)) node.skew = parent.skew;
        else if (parent) node.skew = clockError(parent, node, raw);
        node.start = raw + node.skew;
        node.end = node.start + (node.duration ?? 0);
        least = Math.min(least, node.start);
    }
    if (least === Infinity) return base;
    for (const node of seen) { // a corrected clock may have moved the first of all
        node.start -= least;
        node.end -= least;
    }
    return base + least;
}

/** How far a server's clock is from its client's, if the two spans can't be true together; else 0. */
function clockError(client, server, serverStart) {
    if (client.span.kind !== "CLIENT" || server.span.kind !== "SERVER") return 0;
    if (client.duration === null || server.duration === null || client.span.timestamp === null) return 0;
    if (server.duration > client.duration) return 0; // it went on after its answer
    if (serverStart >= client.start && serverStart + server.duration <= client.end) return 0;
    return client.start + (client.duration - server.duration) / 2 - serverStart;
}

/** All nodes, depth first, siblings by start; sets depth, index and after. */
function order(roots) {
    const byStart = (a, b) => a.start - b.start || b.end - a.end;
    const ordered = [];
    const waiting = [...roots].sort(byStart).reverse().map((node) => ({ node, leaving: false }));
    while (waiting.length > 0) {
        const step = waiting.pop();
        const node = step.node;
        if (step.leaving) {
            node.after = ordered.length;
            continue;
        }
        node.index = ordered.length;
        node.depth = node.parent ? node.parent.depth + 1 : 0;
        ordered.push(node);
        waiting.push({ node, leaving: true });
        node.children.sort(byStart);
        for (let i = node.children.length - 1; i >= 0; i -= 1) waiting.push({ node: node.children[i], leaving: false });
    }
    return ordered;
}

/** The time of a node in which none of its children was at work; null when it has no duration. */
function selfTime(node) {
    if (node.duration === null) return null;
    let covered = 0;
    let until = node.start;
    for (const child of node.children) { // by start
        const from = Math.max(child.start, until);
        const to = Math.min(child.end, node.end);
        if (to > from) {
            covered += to - from;
            until = to;
        }
    }
    return Math.max(0, node.duration - covered);
}

/** The root that stands for the trace: the longest of those that have no parent. */
function mainRoot(roots) {
    let best = null;
    for (const node of roots) {
        if (!best || (!node.orphan && best.orphan)
            || (node.orphan === best.orphan && (node.duration ?? 0) > (best.duration ?? 0))) best = node;
    }
    return best;
}
