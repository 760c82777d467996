// critical.js - the critical path: at each moment, the span that the root was waiting for. SPDX-License-Identifier: Apache-2.0
//
//     root   ██▁▁▁▁▁▁▁▁▁▁▁▁▁██▁▁▁▁▁██      ██ on the path
//     a         ▁▁▁▁▁▁▁▁                   ended before b did: nobody waited for it
//     b           █████████████
//     c                         █████
//
// Walked backwards from the root's end: the child that ended last is what was waited for, until its start; before that
// the one that ended last before then; what no child covers is the span's own time.

/**
 * Marks the path: `node.critical` becomes a list of [start, end]. Returns its pieces, in order of time.
 */
export function markCriticalPath(root) {
    const pieces = [];
    const add = (node, start, end) => {
        if (!(end > start)) return;
        (node.critical ??= []).push([start, end]);
        pieces.push({ node, start, end });
    };
    // A frame is a span that is walked from `at` back to `floor`, with the children that are still to be looked at.
    const frame = (node, floor, at) => ({ node, floor, at, children: awaited(node), next: 0 });
    const stack = [frame(root, root.start, root.end)];
    while (stack.length > 0) {
        const top = stack[stack.length - 1];
        const child = top.children[top.next];
        if (child === undefined || child.end <= top.floor || top.at <= top.floor) {
            add(top.node, top.floor, top.at);
            stack.pop();
            continue;
        }
        top.next += 1;
        if (child.end > top.at + grain(child)) continue; // at work at the same time as one that ended later
        const end = Math.min(child.end, top.at);
        const start = Math.max(child.start, top.floor);
        if (end <= start) continue;
        add(top.node, end, top.at);
        top.at = start;
        stack.push(frame(child, start, end));
    }
    pieces.reverse();
    return pieces;
}

/** The children that a span may have waited for, the one that ended last first. */
function awaited(node) {
    return node.children.filter((child) => isAwaited(child, node)).sort((a, b) => b.end - a.end);
}

function isAwaited(child, node) {
    if (child.duration === null || child.span.timestamp === null || child.span.kind === "CONSUMER") return false;
    return child.end <= node.end + grain(child); // what goes on after its parent's end was not waited for
}

/** By how much clocks may be off before a span counts as one that ended later. */
const grain = (node) => Math.max(2, node.duration * 0.01);
