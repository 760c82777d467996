#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py FOLDER - runs the programs of run.sh, and looks at the spans that arrive at a collector of its own."""
import http.server
import json
import os
import subprocess
import sys
import threading

FOLDER = sys.argv[1]
passed = failed = 0


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    spans, lock = [], threading.Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            self.spans.extend(json.loads(body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.startswith(("DIVAK_", "OTEL_")) and name not in ("TRACEPARENT", "B3", "BAGGAGE")}
ENVIRONMENT["DIVAK_ENDPOINT"] = f"http://127.0.0.1:{server.server_address[1]}/api/v2/spans"


def check(name, holds, why=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print("FAILED", name, why, flush=True)


def run(program, *arguments, library="libpeer.so", environment=None):
    """What arrived, and what the process wrote on standard error; its exit status must be 0."""
    with Collector.lock:
        Collector.spans = []
    label = " ".join((os.path.basename(program),) + arguments)
    try:
        done = subprocess.run([os.path.join(FOLDER, program), *arguments, os.path.join(FOLDER, library)],
                              capture_output=True, text=True, timeout=60, env={**ENVIRONMENT, **(environment or {})})
        check(label + ": the process ends well", done.returncode == 0, f"exit {done.returncode}: {done.stderr[-1500:]}")
        said = done.stderr
    except subprocess.TimeoutExpired as late:
        check(label + ": the process ends", False, f"it hangs: {late.stderr}")
        said = ""
    with Collector.lock:
        return label, list(Collector.spans), said


def shape(label, spans, tree, services=True):
    """Whether the spans are those of `tree`, {name: parent's name or None}, and nothing else but `many`. Spans of one tree
    are of one trace. Names beginning with c, d or a are the library's."""
    by_name = {span["name"]: span for span in spans if span["name"] != "many"}
    names = sorted(span["name"] for span in spans if span["name"] != "many")
    check(label + ": each span arrives once", names == sorted(tree), f"{names} and not {sorted(tree)}")
    if names != sorted(tree):
        return
    for name, parent in tree.items():
        span = by_name[name]
        service = "peer" if name[0] in "cda" else "swift"
        check(f"{label}: {name} is reported by its own side", span["localEndpoint"]["serviceName"] == service)
        if parent is None:
            check(f"{label}: {name} is a root", "parentId" not in span, str(span))
        else:
            over = by_name[parent]
            check(f"{label}: {name} is a child of {parent}", span.get("parentId") == over["id"]
                  and span["traceId"] == over["traceId"], f"{span} under {over}")
    roots = [by_name[name]["traceId"] for name, parent in tree.items() if parent is None]
    check(label + ": roots have traces of their own", len(set(roots)) == len(roots))


def unique(label, spans):
    ids = {span["id"] for span in spans}
    check(label + ": no id comes twice", len(ids) == len(spans), f"{len(ids)} of {len(spans)}")


NESTED = {"s1": None, "c1": "s1", "s2": "c1", "c2": "s2", "s3": "c2", "c3": "s3", "s4": "s2", "c4": "c1", "s5": "s1",
          "c5": "s5", "c6": None, "s6": "c6", "s7": None, "s8": None, "c8": "s8"}
CONTEXTS = {"t1": None, "c1": "t1", "t2": "c1", "c2": "t2", "s3": "c2", "c3": "s3", "s4": "c1", "t4": "s4", "c4": "t4",
            "c5": "t1", "c6": None, "t6": "c6", "c7": "t6"}
TASKS = {"s1": None, "c1": "s1", "s2": "c1", "c2": "s2", "alone": None, "after": None}
for number in range(3, 7):
    TASKS |= {f"s{number}": "s1", f"c{number}": f"s{number}", f"d{number}": f"s{number}", f"e{number}": f"d{number}"}


def both(program):
    """The scenarios, for a program that finds the library loaded or loads it late."""
    for scenario, tree in (("nested", NESTED), ("contexts", CONTEXTS), ("tasks", TASKS), ("exit", NESTED)):
        label, spans, _ = run(program, scenario, "1", "1")
        shape(label, spans, tree)
        unique(label, spans)
    # Who begins a trace decides for the other.
    label, spans, _ = run(program, "nested", "0", "1")
    shape(label, spans, {"c6": None, "s6": "c6"})
    label, spans, _ = run(program, "nested", "1", "0")
    shape(label, spans, {name: parent for name, parent in NESTED.items() if name[1] != "6"})
    label, spans, _ = run(program, "nested", "0", "0")
    shape(label, spans, {})
    label, spans, _ = run(program, "debug", "0", "0")
    shape(label, spans, {"c1": None, "s1": "c1", "c2": "s1"})
    check(label + ": all of a debug trace is debug", all(span.get("debug") for span in spans))
    for rate in "10":
        label, spans, _ = run(program, "baggage", rate, rate)
        check(label + ": everything arrives", len(spans) == (10_006 if rate == "1" else 0), f"{len(spans)}")
    label, spans, _ = run(program, "misuse", "1", "1")
    shape(label, spans, {"s1": None, "c1": "s1"})
    check(label + ": nobody tags a span of the other", all("tags" not in span for span in spans), str(spans))
    label, spans, _ = run(program, "fork", "1", "1")
    shape(label, spans, {"s1": None, "s2": "s1", "c2": "s2", "s3": "c2", "c1": "s1"})
    check(label + ": both processes deliver all", len(spans) == 105, str(len(spans)))
    unique(label, spans)
    label, spans, _ = run(program, "many", "1", "1")
    check(label + ": everything arrives", len(spans) == 6001, str(len(spans)))
    unique(label, spans)


both("linked")
both("opening")
label, spans, _ = run("opening", "dlclose", "1", "1")
shape(label, spans, {"s1": None, "c1": "s1", "s2": "c1", "s3": "s1"})
label, spans, _ = run("handles")
shape(label, spans, {"s1": None, "c1": "s1", "s2": "c1"})
unique(label, spans)
label, spans, _ = run("exporting", "parents")
shape(label, spans, {"s1": None, "c1": "s1", "s2": "c1"})

# A copy of another version is left alone, and said to be there.
label, spans, said = run("linked", "nested", "1", "1", environment={"LD_LIBRARY_PATH": os.path.join(FOLDER, "other")})
check(label + ", another version: everything arrives", len(spans) == len(NESTED), f"{len(spans)}")
check(label + ", another version: it is said once by each", said.count("another version of the library") == 2, said)
by_name = {span["name"]: span for span in spans}
check(label + ", another version: no parents across", "parentId" not in by_name["c1"] and
      by_name["s2"].get("parentId") == by_name["s1"]["id"])

print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0 or passed == 0)
