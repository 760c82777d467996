"""spans.py - makes spans for the tests of the trace view: the same ones for the same seed.

SPDX-License-Identifier: Apache-2.0

    python3 spans.py shop COUNT      traces of a shop of nine services, one JSON list of spans
    python3 spans.py large COUNT     one trace of that many spans
    python3 spans.py deep COUNT      one trace in which each span is the child of the one before
    python3 spans.py mesh COUNT      calls among that many services, with circles
    python3 spans.py hostile         names, tags and ids that try to break out of the page
"""

import json
import random
import sys
import time

NOW = int(time.time() * 1_000_000)


class Maker:
    """Makes ids and spans; addresses follow from the service's name."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.spans = []

    def id(self, digits):
        return f"{self.random.getrandbits(4 * digits) | 1:0{digits}x}"

    def endpoint(self, service, port=None):
        address = sum(service.encode()) % 200 + 10
        return {"serviceName": service, "ipv4": f"10.20.0.{address}", **({"port": port} if port else {})}

    def span(self, trace, parent, service, name, start, duration, kind=None, remote=None, **more):
        span = {"traceId": trace, "id": self.id(16), "name": name, "timestamp": int(start), "duration": max(1, int(duration)),
                "localEndpoint": self.endpoint(service)}
        if parent:
            span["parentId"] = parent
        if kind:
            span["kind"] = kind
        if remote:
            span["remoteEndpoint"] = self.endpoint(remote, 8080)
        span.update(more)
        self.spans.append(span)
        return span

    def call(self, trace, parent, caller, callee, name, start, duration, error=None, shared=True, skew=0, path="/"):
        """A client's span and the server's half of it; returns the id below which the server works, its start and duration."""
        tags = {"http.method": name.split(" ")[0].upper(), "http.path": path}
        if error:
            tags["error"] = error
        client = self.span(trace, parent, caller, name, start, duration, "CLIENT", callee, tags=dict(tags))
        lag = duration * 0.06
        server = self.span(trace, parent, callee, name, start + lag + skew, duration - 2 * lag, "SERVER", caller,
                           tags={**tags, "http.status_code": "503" if error else "200"})
        if shared:
            server["id"] = client["id"]
            server["shared"] = True
        else:
            server["parentId"] = client["id"]
        return server["id"], start + lag + skew, duration - 2 * lag


def shop(maker, start, scale=1.0, error=None, ago=0):
    """One order in a shop: gateway, orders, stock, prices, payments with a retry, mail by a queue."""
    r = maker.random
    trace = maker.id(32)
    ms = 1000 * scale
    total = (168 + r.random() * 30 + (90 if error else 0)) * ms
    root = maker.span(trace, None, "gateway", "post /checkout", start, total, "SERVER",
                      tags={"http.method": "POST", "http.path": "/checkout", "http.status_code": "502" if error else "200",
                            "user.tier": r.choice(["free", "plus"])})
    root["remoteEndpoint"] = {"ipv4": "203.0.113.7", "port": 51544}
    if error:
        root["tags"]["error"] = "502 Bad Gateway"
    at = start + 4 * ms
    who, s, d = maker.call(trace, root["id"], "gateway", "accounts", "get /session", at, 14 * ms, path="/session")
    maker.span(trace, who, "accounts", "redis get", s + 1 * ms, 3.4 * ms, "CLIENT", "redis", tags={"cache.hit": "true"})
    at += 17 * ms
    order, s, d = maker.call(trace, root["id"], "gateway", "orders", "post /orders", at, total - 24 * ms,
                             error="payment was refused" if error else None, path="/orders")
    validate = maker.span(trace, order, "orders", "validate", s + 1 * ms, 5 * ms, tags={"items": "3"})
    maker.span(trace, validate["id"], "orders", "load rules", s + 1.4 * ms, 2.8 * ms)
    fan = s + 8 * ms
    stock, s2, d2 = maker.call(trace, order, "orders", "stock", "post /reserve", fan, 41 * ms, skew=-30 * ms, path="/reserve")
    for i in range(3):
        maker.span(trace, stock, "stock", "select items", s2 + (3 + i * 11) * ms, 8.6 * ms, "CLIENT", "postgres",
                   tags={"sql.query": "select id, free from items where sku = $1 for update", "db.rows": "1"})
    price, s3, d3 = maker.call(trace, order, "orders", "prices", "get /quote", fan + 1 * ms, 27 * ms, path="/quote")
    maker.span(trace, price, "prices", "compute discounts", s3 + 4 * ms, 14 * ms, tags={"rules": "12"},
               annotations=[{"timestamp": int(s3 + 9 * ms), "value": "rule cache filled"}])
    pay = fan + 46 * ms
    tries = [("card issuer timed out", 38)] if error else []
    tries.append((error, 62) if error else (None, 54 + r.random() * 14))
    for i, (why, length) in enumerate(tries):
        payment, s4, d4 = maker.call(trace, order, "orders", "payments", "post /charge", pay, length * ms, error=why, path="/charge")
        maker.span(trace, payment, "payments", "sign request", s4 + 1 * ms, 3 * ms)
        bank = maker.span(trace, payment, "payments", "post /v3/authorise", s4 + 5 * ms, d4 - 8 * ms, "CLIENT", "bank",
                          tags={"http.method": "POST", "attempt": str(i + 1), **({"error": why} if why else {})},
                          annotations=[{"timestamp": int(s4 + 6 * ms), "value": "request sent"},
                                       {"timestamp": int(s4 + d4 - 9 * ms), "value": "first byte"}])
        assert bank
        pay += (length + 4) * ms
    if not error:
        write = maker.span(trace, order, "orders", "insert order", pay, 11 * ms, "CLIENT", "postgres",
                           tags={"sql.query": "insert into orders (customer, total) values ($1, $2)"})
        assert write
        sent = maker.span(trace, order, "orders", "send order.placed", pay + 12 * ms, 2.2 * ms, "PRODUCER", "kafka",
                          tags={"kafka.topic": "orders"})
        got = maker.span(trace, sent["id"], "mail", "receive order.placed", pay + 21 * ms, 6 * ms, "CONSUMER", "kafka",
                         tags={"kafka.topic": "orders"})
        maker.span(trace, got["id"], "mail", "render receipt", pay + 22 * ms, 4 * ms)
    return trace


def shops(count, seed=1):
    maker = Maker(seed)
    for i in range(count):
        age = int((count - i) ** 1.4 * 1_700_000) + maker.random.randrange(900_000)
        why = "503 issuer unavailable" if i % 6 == 2 else None
        if i % 3 == 1:
            trace = maker.id(32)
            root = maker.span(trace, None, "gateway", "get /products", NOW - age, 21_000 + maker.random.randrange(30_000), "SERVER",
                              tags={"http.method": "GET", "http.path": "/products", "http.status_code": "200"})
            who, s, d = maker.call(trace, root["id"], "gateway", "prices", "get /list", root["timestamp"] + 2000, root["duration"] - 5000)
            maker.span(trace, who, "prices", "redis get", s + 900, d * 0.7, "CLIENT", "redis", tags={"cache.hit": "false"})
        else:
            shop(maker, NOW - age, scale=0.6 + maker.random.random() ** 3 * 2.4, error=why)
    return maker.spans


def large(count, seed=2):
    """Wide and deep: batches of work, each with some steps, of which some call."""
    maker = Maker(seed)
    r = maker.random
    trace = maker.id(32)
    services = ["importer", "parser", "index", "store", "thumbnails", "search"]
    start = NOW - 60_000_000
    root = maker.span(trace, None, "importer", "import archive", start, 9_000_000, tags={"files": str(count)})
    open_spans = [(root, 0)]
    while len(maker.spans) < count:
        parent, depth = open_spans[r.randrange(max(0, len(open_spans) - 400), len(open_spans))]
        length = parent["duration"] * (0.05 + r.random() * 0.4)
        begin = parent["timestamp"] + r.random() * (parent["duration"] - length)
        service = r.choice(services) if r.random() < 0.3 else parent["localEndpoint"]["serviceName"]
        span = maker.span(trace, parent["id"], service, r.choice(["read chunk", "parse", "put", "resize", "tokenize", "commit"]),
                          begin, length, tags={"chunk": str(len(maker.spans))})
        if r.random() < 0.004:
            span["tags"]["error"] = "checksum mismatch"
        if depth < 14 and span["duration"] > 20:
            open_spans.append((span, depth + 1))
    return maker.spans


def deep(count, seed=3):
    maker = Maker(seed)
    trace = maker.id(16)
    parent = None
    for i in range(count):
        span = maker.span(trace, parent, "recursion", f"level {i}", NOW - 30_000_000 + i, 2 * (count - i) + 1)
        parent = span["id"]
    return maker.spans


def mesh(services, seed=4):
    """Services in tiers that call forward, now and then backward, some in error; one request a trace."""
    maker = Maker(seed)
    r = maker.random
    words = ["web", "mobile", "api", "auth", "users", "cart", "orders", "billing", "ledger", "stock", "search", "ranking", "media",
             "thumbs", "mail", "sms", "push", "audit", "events", "flags", "geo", "tax", "fraud", "risk", "reports", "export",
             "cdn", "cache", "db", "blobs", "queue", "jobs", "cron", "admin", "support"]
    names = [words[i % len(words)] + ("-service" if i % 4 == 1 else "") + (str(i // len(words)) if i >= len(words) else "")
             for i in range(services)]
    tiers = [names[i::5] for i in range(5)]
    edges = set()
    for i, tier in enumerate(tiers[:-1]):
        for name in tier:
            for callee in r.sample(tiers[i + 1], k=min(len(tiers[i + 1]), r.randint(1, 3))):
                edges.add((name, callee))
    for callee in tiers[0][2:]:
        edges.add((tiers[0][0], callee))
    for i in range(1, 5):
        for callee in tiers[i]:
            if not any(to == callee for _, to in edges):
                edges.add((r.choice(tiers[i - 1]), callee))
    edges.add((tiers[0][0], tiers[3][0]))
    edges.add((tiers[4][0], tiers[2][0]))
    edges.add((tiers[2][1], tiers[1][0]))
    for k, (caller, callee) in enumerate(sorted(edges)):
        for _ in range(1 + int(r.random() ** 4 * 40)):
            trace = maker.id(32)
            start = NOW - r.randrange(600_000_000)
            maker.call(trace, None, caller, callee, "get /", start, 2000 + r.randrange(50_000),
                       error="refused" if k % 7 == 3 and r.random() < 0.4 else None)
    return maker.spans


def hostile(seed=5):
    """What a page must show as text and nothing else."""
    maker = Maker(seed)
    trace = maker.id(32)
    attack = "<img src=x onerror=\"window.divakBroken=1\"><script>window.divakBroken=1</script>"
    start = NOW - 20_000_000
    root = maker.span(trace, None, attack, attack, start, 50_000, "SERVER",
                      tags={attack: attack, "": "", "javascript": "javascript:window.divakBroken=1", "lines": "one\ntwo\tthree",
                            "__proto__": "constructor", "bidi": "\u202egnp.exe", "error": attack},
                      annotations=[{"timestamp": start + 10, "value": attack}])
    maker.span(trace, root["id"], "\u202e\u0000\u0007\u2028service", "nul \u0000 bell \u0007 del \u007f \u202e turned \ud83d\ude00",
               start + 1000, 20_000)
    maker.span(trace, root["id"], "__proto__", "constructor", start + 2000, 2000, "CLIENT", "tostring")
    maker.span(trace, root["id"], "x" * 500, "very " * 200 + "long", start + 3000, 2000)
    orphan = maker.span(trace, "00000000deadbeef", "lost", "child of nobody", start + 4000, 2000)
    assert orphan
    a = maker.span(trace, None, "circle", "a", start + 100, 100)
    b = maker.span(trace, a["id"], "circle", "b", start + 100, 100)
    a["parentId"] = b["id"]
    late = maker.span(trace, root["id"], "late", "no time", start, 1)
    del late["timestamp"], late["duration"]
    unfinished = maker.span(trace, root["id"], "late", "no duration", start + 30_000, 1)
    del unfinished["duration"]
    return maker.spans


def main():
    kind, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    makers = {"shop": shops, "large": large, "deep": deep, "mesh": mesh}
    spans = hostile() if kind == "hostile" else makers[kind](count)
    json.dump(spans, sys.stdout)


if __name__ == "__main__":
    main()
