// layout.js - places services in layers, callers left of what they call. SPDX-License-Identifier: Apache-2.0
//
// The usual four steps (Sugiyama): turn around the edges that close circles, give each node a layer, order the layers so
// that few edges cross, give each node a height near its neighbours. An edge over several layers runs through a
// placeholder in each, so that it goes around the nodes and not behind them.

const NODE_HEIGHT = 38;
const ROW_GAP = 18;
const ARROW = 9; // a line ends that far before the box, in its arrow
const LANE_HEIGHT = 14; // what a placeholder takes
const LEAST_COLUMN_GAP = 72;
const SWEEPS = 24;

/**
 * The picture of `links` ({ parent, child }): { nodes, edges, width, height }. A node has name, x, y (its middle's left
 * end), width, height; an edge has its link and `path`, the d of an SVG path, and `tip`, where its arrow ends.
 * `measure(name)` is the width that a node needs, `aspect` the shape of what it is shown in.
 */
export function layOut(links, measure, aspect = 1.6) {
    const nodes = new Map();
    const nodeOf = (name) => {
        if (!nodes.has(name)) nodes.set(name, { name, layer: 0, up: [], down: [], width: measure(name), height: NODE_HEIGHT });
        return nodes.get(name);
    };
    const names = [...new Set(links.flatMap((link) => [link.parent, link.child]))].sort();
    names.forEach(nodeOf);
    const edges = links.map((link) => ({ link, from: nodeOf(link.parent), to: nodeOf(link.child), isTurned: false, chain: [] }));
    const real = edges.filter((edge) => edge.from !== edge.to);
    turnCircles([...nodes.values()], real);
    layer([...nodes.values()], real);
    const layers = fillLayers([...nodes.values()], real);
    orderLayers(layers);
    placeHeights(layers);
    const size = placeColumns(layers);
    size.height = stretch(layers, size, aspect);
    routeEdges(edges, nodes);
    return { nodes: [...nodes.values()], edges, ...size };
}

const head = (edge) => (edge.isTurned ? edge.to : edge.from); // the one in the lower layer
const tail = (edge) => (edge.isTurned ? edge.from : edge.to);

/** Turns around each edge that leads back to a node on the way to it. */
function turnCircles(nodes, edges) {
    const out = new Map(nodes.map((node) => [node, []]));
    const incoming = new Map(nodes.map((node) => [node, 0]));
    for (const edge of edges) {
        out.get(edge.from).push(edge);
        incoming.set(edge.to, incoming.get(edge.to) + 1);
    }
    const state = new Map(); // undefined, "open", "done"
    const starts = [...nodes].sort((a, b) => incoming.get(a) - incoming.get(b) || out.get(b).length - out.get(a).length);
    for (const start of starts) {
        if (state.has(start)) continue;
        state.set(start, "open");
        const stack = [{ node: start, next: 0 }];
        while (stack.length > 0) {
            const top = stack[stack.length - 1];
            const edge = out.get(top.node)[top.next];
            if (!edge) {
                state.set(top.node, "done");
                stack.pop();
                continue;
            }
            top.next += 1;
            if (state.get(edge.to) === "open") edge.isTurned = true;
            else if (!state.has(edge.to)) {
                state.set(edge.to, "open");
                stack.push({ node: edge.to, next: 0 });
            }
        }
    }
}

/** The longest way from a node that nobody calls; those move next to the first that they call. */
function layer(nodes, edges) {
    const waiting = new Map(nodes.map((node) => [node, 0]));
    for (const edge of edges) waiting.set(tail(edge), waiting.get(tail(edge)) + 1);
    const out = new Map(nodes.map((node) => [node, []]));
    for (const edge of edges) out.get(head(edge)).push(tail(edge));
    const roots = nodes.filter((node) => waiting.get(node) === 0);
    const ready = [...roots];
    while (ready.length > 0) {
        const node = ready.pop();
        for (const next of out.get(node)) {
            next.layer = Math.max(next.layer, node.layer + 1);
            waiting.set(next, waiting.get(next) - 1);
            if (waiting.get(next) === 0) ready.push(next);
        }
    }
    for (const node of roots) {
        const nearest = Math.min(...out.get(node).map((next) => next.layer));
        if (Number.isFinite(nearest)) node.layer = Math.max(0, nearest - 1);
    }
}

function fillLayers(nodes, edges) {
    const layers = [];
    const put = (item) => (layers[item.layer] ??= []).push(item);
    nodes.forEach(put);
    for (const edge of edges) {
        let before = head(edge);
        for (let at = before.layer + 1; at < tail(edge).layer; at += 1) {
            const lane = { layer: at, up: [before], down: [], width: 0, height: LANE_HEIGHT, isLane: true };
            before.down.push(lane);
            edge.chain.push(lane);
            put(lane);
            before = lane;
        }
        before.down.push(tail(edge));
        tail(edge).up.push(before);
    }
    for (let i = 0; i < layers.length; i += 1) layers[i] ??= [];
    return layers;
}

/** Sorts layers by the middle of their neighbours, down and up, and keeps the order with the fewest crossings. */
function orderLayers(layers) {
    const number = (items) => items.forEach((item, i) => { item.place = i; });
    layers.forEach(number);
    let best = layers.map((items) => [...items]);
    let fewest = crossings(layers);
    for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep += 1) {
        const isDown = sweep % 2 === 0;
        const side = isDown ? "up" : "down";
        const walk = isDown ? layers : [...layers].reverse();
        for (const items of walk) {
            for (const item of items) {
                const near = item[side];
                item.weight = near.length > 0 ? near.reduce((sum, other) => sum + other.place, 0) / near.length : item.place;
            }
            items.sort((a, b) => a.weight - b.weight || (sweep % 4 < 2 ? a.place - b.place : b.place - a.place));
            number(items);
        }
        const now = crossings(layers);
        if (now < fewest) {
            fewest = now;
            best = layers.map((items) => [...items]);
        }
    }
    best.forEach((items, i) => {
        layers[i] = items;
        number(items);
    });
}

function crossings(layers) {
    let sum = 0;
    for (const items of layers) {
        const ends = items.flatMap((item) => item.down.map((other) => [item.place, other.place]));
        for (let i = 0; i < ends.length; i += 1) {
            for (let j = i + 1; j < ends.length; j += 1) {
                if ((ends[i][0] - ends[j][0]) * (ends[i][1] - ends[j][1]) < 0) sum += 1;
            }
        }
    }
    return sum;
}

/** Heights: each layer as near to its neighbours as its order and distances allow. */
function placeHeights(layers) {
    const distance = (a, b) => (a.height + b.height) / 2 + (a.isLane && b.isLane ? 4 : ROW_GAP);
    for (const items of layers) {
        let y = 0;
        items.forEach((item, i) => {
            if (i > 0) y += distance(items[i - 1], item);
            item.y = y;
        });
        items.forEach((item) => { item.y -= y / 2; });
    }
    for (let sweep = 0; sweep < 16; sweep += 1) {
        const walk = sweep % 2 === 0 ? layers : [...layers].reverse();
        for (const items of walk) {
            const wanted = items.map((item) => {
                const near = [...item.up, ...item.down];
                return near.length > 0 ? near.reduce((sum, other) => sum + other.y, 0) / near.length : item.y;
            });
            settle(items, wanted, distance);
        }
    }
    const top = Math.min(...layers.flat().map((item) => item.y - item.height / 2));
    for (const item of layers.flat()) item.y -= top;
}

/** The heights nearest to the wanted ones (least squares) that keep order and distance: blocks that collide share. */
function settle(items, wanted, distance) {
    const offsets = [0];
    for (let i = 1; i < items.length; i += 1) offsets.push(offsets[i - 1] + distance(items[i - 1], items[i]));
    const blocks = [];
    items.forEach((item, i) => {
        const weight = item.isLane ? 4 : 1; // straight lanes matter more
        let block = { sum: (wanted[i] - offsets[i]) * weight, weight, count: 1 };
        while (blocks.length > 0 && blocks[blocks.length - 1].sum / blocks[blocks.length - 1].weight > block.sum / block.weight) {
            const before = blocks.pop();
            block = { sum: before.sum + block.sum, weight: before.weight + block.weight, count: before.count + block.count };
        }
        blocks.push(block);
    });
    let i = 0;
    for (const block of blocks) {
        for (let end = i + block.count; i < end; i += 1) items[i].y = block.sum / block.weight + offsets[i];
    }
}

function placeColumns(layers) {
    let x = 0;
    let height = 0;
    layers.forEach((items, i) => {
        const width = Math.max(0, ...items.map((item) => item.width));
        let busy = 0;
        for (const item of items) {
            item.x = x;
            item.column = width;
            busy += item.down.length;
            height = Math.max(height, item.y + item.height / 2);
        }
        x += width + (i < layers.length - 1 ? Math.max(LEAST_COLUMN_GAP, Math.min(120, 40 + busy * 5)) : 0);
    });
    return { width: x, height };
}

/** Spreads a flat picture over the height that there is; curves are less steep then. Returns the height. */
function stretch(layers, { width, height }, aspect) {
    const factor = Math.min(2.2, Math.max(1, width / aspect / height));
    for (const item of layers.flat()) item.y *= factor;
    return Math.max(...layers.flat().map((item) => item.y + item.height / 2));
}

/** Curves from the right of the lower layer to the left of the upper; each edge has a port of its own on its nodes. */
function routeEdges(edges, nodes) {
    const ports = new Map([...nodes.values()].map((node) => [node, { left: [], right: [] }]));
    for (const edge of edges) {
        if (edge.from === edge.to) continue;
        const toward = edge.chain[0] ?? tail(edge);
        const back = edge.chain[edge.chain.length - 1] ?? head(edge);
        ports.get(head(edge)).right.push({ edge, y: toward.y });
        ports.get(tail(edge)).left.push({ edge, y: back.y });
    }
    const portY = new Map();
    for (const [node, sides] of ports) {
        for (const side of ["left", "right"]) {
            const list = sides[side].sort((a, b) => a.y - b.y);
            const room = NODE_HEIGHT - 12;
            list.forEach(({ edge }, i) => {
                const spread = list.length > 1 ? Math.min(9, room / (list.length - 1)) : 0;
                if (!portY.has(edge)) portY.set(edge, {});
                portY.get(edge)[side] = node.y + (i - (list.length - 1) / 2) * spread;
            });
        }
    }
    for (const edge of edges) {
        const { from, to } = edge;
        if (from === to) {
            const x = from.x + from.width / 2;
            const y = from.y - from.height / 2;
            edge.path = `M${x - 14} ${y}C${x - 26} ${y - 26} ${x + 26} ${y - 26} ${x + 14} ${y}`;
            edge.tip = { x: x + 14, y, angle: 110 };
            edge.middle = { x, y: y - 22 };
            continue;
        }
        const start = { x: head(edge).x + head(edge).width, y: portY.get(edge).right };
        const end = { x: tail(edge).x, y: portY.get(edge).left };
        const tip = edge.isTurned ? { ...start } : { ...end };
        if (edge.isTurned) start.x += ARROW;
        else end.x -= ARROW;
        const points = [start];
        for (const lane of edge.chain) points.push({ x: lane.x, y: lane.y }, { x: lane.x + lane.column, y: lane.y });
        points.push(end);
        if (edge.isTurned) points.reverse();
        edge.path = points.map((point, i) => {
            if (i === 0) return `M${round(point.x)} ${round(point.y)}`;
            const before = points[i - 1];
            const middle = round((before.x + point.x) / 2);
            return `C${middle} ${round(before.y)} ${middle} ${round(point.y)} ${round(point.x)} ${round(point.y)}`;
        }).join("");
        edge.tip = { ...tip, angle: edge.isTurned ? 180 : 0 };
        const half = Math.floor((points.length - 1) / 2);
        edge.middle = { x: (points[half].x + points[half + 1].x) / 2, y: (points[half].y + points[half + 1].y) / 2 };
    }
}

const round = (value) => Math.round(value * 10) / 10;
