#!/usr/bin/env python3
"""Loads the collector with spans from Divak and looks at what it did.

SPDX-License-Identifier: Apache-2.0

    Tools/bench/collector.py [--seconds 60] [--rate 50000] [--program PATH] [--only memory|sqlite|queries]

Needs the release build of the tools (swift build -c release, in Tools), a C compiler and libcurl. Prints a line a
figure, `property | figure | goal | ok` or `FAIL`, and exits 1 when one fails. Run it with nothing else at work.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESIDENT_MAX_MIB = 512


class Collector:
    """A collector of our own, on a port of its own."""

    def __init__(self, program, *options):
        self.process = subprocess.Popen([program, "collector", "--port", "0", *options], stdout=subprocess.PIPE,
                                        text=True)
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise SystemExit("the collector did not start")
        self.port = int(line.rsplit(":", 1)[1])
        self.endpoint = f"http://127.0.0.1:{self.port}/api/v2/spans"

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def metrics(self):
        counts = json.loads(self.get("/metrics")[1])
        return {name.rsplit(".", 1)[1]: value for name, value in counts.items() if "divak_collector" in name}

    def peak_mib(self):
        """The most that was ever resident."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return float("nan")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def build_load(folder):
    """The load, with the library's own sources compiled in."""
    program = folder / "load"
    sources = sorted(str(path) for path in (ROOT / "csrc").rglob("*.c"))
    subprocess.run(["cc", "-O2", "-std=gnu11", "-D_GNU_SOURCE", f"-I{ROOT}/include", f"-I{ROOT}/csrc", "-o", program,
                    str(ROOT / "Tools/bench/load.c"), *sources, "-lcurl", "-lpthread", "-lm"], check=True)
    return program


def send(load, collector, rate, seconds, ids):
    done = subprocess.run([load, collector.endpoint, str(rate), str(seconds), "10", ids], capture_output=True,
                          text=True)
    if done.returncode != 0:
        print(done.stdout, done.stderr, file=sys.stderr)
    return json.loads(done.stdout)


FAILED = []


def report(what, figure, goal, is_ok):
    print(f"{what} | {figure} | {goal} | {'ok' if is_ok else 'FAIL'}", flush=True)
    if not is_ok:
        FAILED.append(what)


def throughput(where, program, load, folder, options, rate, seconds):
    collector = Collector(program, *options)
    ids = folder / "ids"
    sent = send(load, collector, rate, seconds, ids)
    counts = collector.metrics()
    peak, cpu = collector.peak_mib(), collector.cpu_seconds()
    acknowledged = sent["delivered"] + sent["synthetic"]
    speed = sent["delivered"] / (sent["made_seconds"] + sent["flush_seconds"])
    report(f"spans a second, {where}, {seconds} s", f"{speed:.0f}, {sent['dropped']} dropped, CPU {cpu:.1f} s",
           f"{rate} (99%), 0 dropped", speed >= 0.99 * rate and sent["dropped"] == 0)
    report(f"acknowledged = stored + evicted, {where}",
           f"{acknowledged} = {counts['spans']} + {counts['spans_evicted']}", "equal",
           acknowledged == counts["spans"] + counts["spans_evicted"])
    report(f"resident at the most, {where}", f"{peak:.0f} MiB", f"{RESIDENT_MAX_MIB} MiB", peak <= RESIDENT_MAX_MIB)
    status = collector.stop()
    report(f"stops on SIGTERM, {where}", f"exit status {status}", "0", status == 0)
    return counts


def queries(where, program, load, folder, options, rate):
    collector = Collector(program, *options)
    ids = folder / "ids"
    send(load, collector, rate, 1_000_000 / rate + 1, ids)
    live = collector.metrics()["spans"]
    known = ids.read_text().split()[-950:] if live < 1_000_000 else ids.read_text().split()
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=60)
    times = []
    for trace in random.choices(known, k=1000):
        begin = time.perf_counter()
        connection.request("GET", f"/api/v2/trace/{trace}")
        answer = connection.getresponse()
        body = answer.read()
        times.append(time.perf_counter() - begin)
        if answer.status != 200 or len(json.loads(body)) != 10:
            report(f"trace {trace} is whole, {where}", f"status {answer.status}", "200, 10 spans", False)
            break
    times.sort()
    p99 = times[int(len(times) * 0.99)] * 1000
    report(f"p99 of 1,000 random traces, {where}, {live} spans", f"{p99:.2f} ms", "50 ms, 1,000,000 spans",
           p99 < 50 and live >= 1_000_000)
    for name, path in [("search by service", "traces?serviceName=load"),
                       ("search by a tag that nobody has", "traces?annotationQuery=nobody%3Dhas"),
                       ("dependencies", f"dependencies?endTs={int(time.time() * 1000)}")]:
        begin = time.perf_counter()
        status, _ = collector.get(f"/api/v2/{path}")
        report(f"{name}, {where}", f"{(time.perf_counter() - begin) * 1000:.0f} ms", "answered", status == 200)
    collector.stop()
    if "--db" in options:
        begin = time.perf_counter()
        again = Collector(program, *options)
        seconds = time.perf_counter() - begin
        report(f"starts with {live} spans in the file", f"{seconds:.2f} s, {again.peak_mib():.0f} MiB", "all of them",
               again.metrics()["spans"] == live)
        again.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=50000)
    parser.add_argument("--program", default=str(ROOT / "Tools/.build/release/divak"))
    parser.add_argument("--only", choices=["memory", "sqlite", "queries"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="divak-bench-") as name:
        folder = pathlib.Path(name)
        load = build_load(folder)
        if arguments.only in (None, "memory"):
            throughput("in memory", arguments.program, load, folder, [], arguments.rate, arguments.seconds)
        if arguments.only in (None, "sqlite"):
            file = folder / "spans.db"
            counts = throughput("SQLite", arguments.program, load, folder, ["--db", str(file)], arguments.rate,
                                arguments.seconds)
            rows = sqlite3.connect(file).execute("SELECT count(*) FROM span").fetchone()[0]
            report("rows in the file = stored", f"{rows} = {counts['spans']}", "equal", rows == counts["spans"])
        if arguments.only in (None, "queries"):
            limits = ["--max-spans", "1100000", "--max-bytes", "512MiB"]
            queries("in memory", arguments.program, load, folder, limits, arguments.rate)
            queries("SQLite", arguments.program, load, folder, [*limits, "--db", str(folder / "queries.db")],
                    arguments.rate)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
