#!/usr/bin/env python3
"""demo-collector: takes spans as Zipkin does, and at the end prints the one trace that they should be.

    collector.py            prints "port N", then listens on loopback until SIGTERM or SIGINT

Exits with 0 only if the spans are one whole trace, every parent there, of at least two services, with an error in it.
"""
# SPDX-License-Identifier: Apache-2.0

import gzip
import http.server
import json
import signal
import sys
import threading

SHOWN = (24, 14, 1)  # how many children are printed of the root, of its children, and of all others
TAGS = ("folder", "path", "file", "files", "bytes", "errors", "checksum", "http.status_code")

lock = threading.Lock()
spans = []
messages = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        global messages
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, text = 202, b""
        if self.path != "/api/v2/spans":
            status, text = 404, b"no such path\n"
        else:
            try:
                if "gzip" in self.headers.get("Content-Encoding", ""):
                    body = gzip.decompress(body)
                received = json.loads(body)
                if not isinstance(received, list):
                    raise ValueError("not a list")
                with lock:
                    spans.extend(received)
                    messages += 1 if received else 0
            except (ValueError, OSError) as error:
                status, text = 400, f"{error}\n".encode()
                print(f"collector: refused a message: {error}", file=sys.stderr)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def plain(text):
    """Text for a terminal: what names of files may hold must not steer it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def service(span):
    return span.get("localEndpoint", {}).get("serviceName", "?")


def duration(span):
    micros = span.get("duration")
    if micros is None:
        return "no end"
    return f"{micros} µs" if micros < 1000 else f"{micros / 1000:.1f} ms"


class Tree:
    """Spans by parent. A server's half that shares its client's id stands below the client's."""

    def __init__(self, trace):
        clients = {span["id"]: span for span in trace if not span.get("shared")}
        owners = dict(clients)  # whose children those with this parent id are: the server's half, if there is one
        for span in trace:
            if span.get("shared"):
                owners[span["id"]] = span
        self.roots, self.orphans, self.children = [], [], {}
        for span in sorted(trace, key=lambda span: span.get("timestamp", 0)):
            if span.get("shared") and span["id"] in clients:
                parent = clients[span["id"]]
            elif "parentId" in span:
                parent = owners.get(span["parentId"])
            else:
                self.roots.append(span)
                continue
            if parent is None:
                self.orphans.append(span)
            else:
                self.children.setdefault(id(parent), []).append(span)
        self.failed = set()  # spans with an error in or below them
        for root in self.roots + self.orphans:
            self.mark(root)

    def mark(self, root):
        stack, order = [root], []
        while stack:
            span = stack.pop()
            order.append(span)
            stack.extend(self.children.get(id(span), []))
        for span in reversed(order):
            below = any(id(child) in self.failed for child in self.children.get(id(span), []))
            if below or "error" in span.get("tags", {}):
                self.failed.add(id(span))

    def choose(self, children, limit):
        """At most so many: the first and the last ones, but first of all what failed. The rest becomes None."""
        if len(children) <= limit:
            return children
        failed = [i for i, child in enumerate(children) if id(child) in self.failed][:limit]
        others = [i for i in range(len(children)) if i not in failed]
        room = limit - len(failed)
        head = (room + 2) // 3
        shown = set(failed + others[:head] + others[len(others) - (room - head) :])
        chosen, hidden = [], 0
        for i, child in enumerate(children):
            if i in shown:
                chosen.append(child)
            else:
                if hidden == 0:
                    chosen.append(None)
                hidden += 1
        return chosen

    def print(self, span, lead="", below="", depth=0):
        tags = span.get("tags", {})
        kind = f" {span['kind']}" if "kind" in span else ""
        facts = "  ".join(f"{key}={tags[key]}" for key in TAGS if key in tags)
        error = f"✗ ERROR {tags['error']}" if "error" in tags else ""
        parts = [f"{service(span)}{kind} “{span.get('name', '')}” {duration(span)}", facts, error]
        print(lead + plain("  ".join(part for part in parts if part)))

        children = self.children.get(id(span), [])
        chosen = self.choose(children, SHOWN[min(depth, len(SHOWN) - 1)])
        hidden = len(children) - sum(child is not None for child in chosen)
        for i, child in enumerate(chosen):
            mark, rest = ("└─ ", "   ") if i == len(chosen) - 1 else ("├─ ", "│  ")
            if child is None:
                print(f"{below}{mark}… {hidden} more")
            else:
                self.print(child, below + mark, below + rest, depth + 1)


def report():
    traces = {}
    for span in spans:
        traces.setdefault(span["traceId"], []).append(span)
    problems = []
    if len(traces) != 1:
        problems.append(f"{len(traces)} traces instead of one")
    for trace_id, trace in traces.items():
        tree = Tree(trace)
        services = sorted({service(span) for span in trace})
        errors = sum("error" in span.get("tags", {}) for span in trace)
        print(f"trace {trace_id}: {len(trace)} spans of {' and '.join(services)}, in {messages} messages\n")
        for root in tree.roots:
            tree.print(root)
        print()
        if len(tree.roots) != 1:
            problems.append(f"{len(tree.roots)} roots instead of one")
        if tree.orphans:
            problems.append(f"{len(tree.orphans)} spans whose parent never came")
        if len(services) < 2:
            problems.append("spans of one service only")
        if errors == 0:
            problems.append("no span has the error that the missing file should have given")
    for problem in problems:
        print(f"collector: {problem}", file=sys.stderr)
    return 1 if problems else 0


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"port {server.server_address[1]}", flush=True)
    stop.wait()
    server.shutdown()
    with lock:
        sys.exit(report())


if __name__ == "__main__":
    main()
