#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""matrix.py PLAY [NAME] - one tracer's life against each behaviour of the fault server, and what must come of it.

For each row: the result of flush, the reason of every drop, the accounts, and Divak's count of delivered spans against
the server's ledger by id. Rows run four at a time; each path is a ledger of its own. Ends with "N passed, N failed".
"""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PLAY = sys.argv[1]
OK, TIMEOUT, LOST = 0, -9, -10
GUARD = 1000000  # microseconds over a deadline that even a loaded machine must keep

# (path, result of flush, the reason of drops or None, settings). All: every span has that reason, or is delivered.
EXPECTED = [
    ("202", OK, None), ("200", OK, None), ("204", OK, None), ("chunked", OK, None), ("http10", OK, None),
    ("delay/50ms", OK, None), ("slow-read", OK, None), ("early-hints/202", OK, None), ("half-close", TIMEOUT, "retry_expired"),
    ("close-idle", OK, None), ("rst-idle", OK, None), ("continue-stall", OK, None), ("forbid/expect", OK, None),
    ("need/b3/0", OK, None), ("need/content-type/TYPE", OK, None), ("forbid/x-b3-sampled", OK, None),
    ("gzip-bomb", OK, None), ("endless-body/202", OK, None),
    ("endless-chunks", OK, None), ("partial-body/202", OK, None), ("slow-body", OK, None),
    ("flaky/503,202", OK, None), ("flaky/rst,202", OK, None), ("flaky/close,202", OK, None), ("flaky/500,502,202", OK, None),
    ("flaky/429,202", OK, None), ("flaky/408,202", OK, None), ("flaky/425,202", OK, None), ("flaky/stall,202", OK, None),
    ("redirect/301", LOST, "redirect"), ("redirect/302", LOST, "redirect"), ("redirect/303", LOST, "redirect"),
    ("redirect/307", LOST, "redirect"), ("redirect/308", LOST, "redirect"), ("status/304", LOST, "rejected"),
    ("401", LOST, "rejected"), ("403", LOST, "rejected"), ("404", LOST, "rejected"), ("405", LOST, "rejected"),
    ("406", LOST, "rejected"), ("410", LOST, "rejected"), ("411", LOST, "rejected"), ("414", LOST, "rejected"),
    ("415", LOST, "rejected"), ("422", LOST, "rejected"), ("431", LOST, "rejected"), ("451", LOST, "rejected"),
    ("400", LOST, "rejected"), ("413", LOST, "rejected"), ("304", LOST, "redirect"), ("upgrade", TIMEOUT, "retry_expired"),
    ("408", TIMEOUT, "retry_expired"), ("425", TIMEOUT, "retry_expired"), ("429", TIMEOUT, "retry_expired"),
    ("500", TIMEOUT, "retry_expired"), ("501", TIMEOUT, "retry_expired"), ("502", TIMEOUT, "retry_expired"),
    ("503", TIMEOUT, "retry_expired"), ("504", TIMEOUT, "retry_expired"), ("507", TIMEOUT, "retry_expired"),
    ("retry-after/1", TIMEOUT, "retry_expired"), ("retry-date/5", TIMEOUT, "retry_expired"),
    ("rst-before-reply", TIMEOUT, "retry_expired"), ("rst-after/0", TIMEOUT, "retry_expired"),
    ("rst-after/100", TIMEOUT, "retry_expired"), ("close-before-reply", TIMEOUT, "retry_expired"),
    ("stall", TIMEOUT, "retry_expired"), ("stall-before-body", TIMEOUT, "retry_expired"),
    ("slow-status", TIMEOUT, "retry_expired"), ("slow-headers", TIMEOUT, "retry_expired"),
    ("partial-status", TIMEOUT, "retry_expired"), ("partial-headers", TIMEOUT, "retry_expired"),
    ("header-bomb", TIMEOUT, "retry_expired"), ("header-flood", TIMEOUT, "retry_expired"),
    ("garbled", TIMEOUT, "retry_expired"), ("garbled-status", TIMEOUT, "retry_expired"), ("http09", TIMEOUT, "retry_expired"),
    ("bad-length", TIMEOUT, "retry_expired"), ("nul-header", TIMEOUT, "retry_expired"), ("no-status", TIMEOUT, "retry_expired"),
    ("poison/poison/400", LOST, "rejected"), ("poison/poison/413", LOST, "rejected"),
    ("no-gzip/415", OK, None), ("no-gzip/400", OK, None), ("limit/8000", OK, None), ("answer-early/413", LOST, "rejected"),
]
EXTRA = {
    "no-gzip/415": ["compression=gzip"], "no-gzip/400": ["compression=gzip"],
    "flaky/stall,202": ["timeout=300ms"], "slow-read": ["timeout=5s", "batch_bytes=16KiB"],
}
TYPES = {"json": "application%2Fjson", "proto3": "application%2Fx-protobuf"}
ONE = ("poison/poison/400", "poison/poison/413")
SPANS = 400


def get(port, path):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), headers={"X-Ids": "1"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


class Server:
    def __init__(self, arguments=()):
        script = os.path.join(HERE, "..", "fault_server.py")
        self.process = subprocess.Popen([sys.executable, script, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def stop(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


def play(endpoint, settings, spans=SPANS, flush=2000, shutdown=200):
    with tempfile.NamedTemporaryFile("r") as ids:
        run = subprocess.run([PLAY, endpoint, str(spans), str(flush), str(shutdown), ids.name, *settings],
                             capture_output=True, text=True, timeout=60)
        if run.returncode != 0:
            return None, [], run.stderr + " exit status %d" % run.returncode
        return json.loads(run.stdout), ids.read().split(), run.stderr


def accounts(told, ids, ledger):
    """What is wrong with Divak's counts, seen from the ledger."""
    dropped = sum(told["dropped"].values())
    if told["started"] != len(ids) or told["started"] != told["delivered"] + dropped or told["pending"] or told["live"]:
        return "the accounts do not add up: %s" % told
    accepted = ledger["ids"]
    known = set(ids)
    ours = sum(1 for one in accepted if one in known)
    unsure = told["maybe_duplicate"] + told["dropped"]["retry_expired"]
    if not told["delivered"] <= ours <= told["delivered"] + unsure:
        return "delivered %d, the server has %d of them: %s" % (told["delivered"], ours, told)
    if len(accepted) - ours > told["synthetic"]:
        return "the server has %d spans that nobody made" % (len(accepted) - ours)
    if sum(1 for one in known if accepted.get(one, 0) > 1) > told["maybe_duplicate"]:
        return "more came twice than told: %s" % told
    if ledger["undecodable"]:
        return "%d bodies were not understood" % ledger["undecodable"]
    return None


def judge(row, port, encoding):
    path, result, reason = row
    place = "/%s/%s" % (path.replace("TYPE", TYPES[encoding]), encoding)
    if path.startswith("status"):
        place = "/304/" + encoding
    settings = ["encoding=" + encoding, "timeout=800ms", "log=off", *EXTRA.get(path, [])]
    # A flush that is to succeed comes back as soon as it has: a loaded machine may take its time.
    patience = 2000 if result == TIMEOUT else 20000
    told, ids, noise = play("http://127.0.0.1:%d%s" % (port, place), settings, flush=patience)
    if told is None or told["create"] != 0:
        return "%s: %s %s" % (place, told, noise)
    ledger = get(port, "/count" + place)
    problem = accounts(told, ids, ledger)
    reasons = {name: count for name, count in told["dropped"].items() if count}
    if path.startswith("status"):
        result, reason = LOST, "redirect"
    if told["flush"] != result:
        problem = problem or "flush returned %d: %s" % (told["flush"], told)
    wanted = {} if reason is None else {reason: 1 if path in ONE else SPANS}
    if reasons != wanted:
        problem = problem or "dropped %s, wanted %s" % (reasons, wanted)
    if told["flush_over"] > GUARD or told["shutdown_over"] > GUARD:
        problem = problem or "came back %d and %d us late" % (told["flush_over"], told["shutdown_over"])
    if path.startswith("redirect") and get(port, "/count/202/SECRET")["requests"]:
        problem = problem or "a redirect was followed"
    return None if problem is None else "%s: %s" % (place, problem)


def certificate(folder, name, subject, days="2"):
    key, path = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", path, "-days", days,
                    "-subj", "/CN=" + subject, "-addext", "subjectAltName=" + ("IP:" if subject[0].isdigit() else "DNS:") +
                    subject], check=True, capture_output=True)
    return path, key


def judge_tls():
    """A certificate that is trusted, one that is not, and one of another host."""
    problems = []
    folder = tempfile.mkdtemp()
    good, wrong = certificate(folder, "good", "127.0.0.1"), certificate(folder, "wrong", "elsewhere.example")
    for name, pair, trusted, result, reason in (
            ("trusted", good, good[0], OK, None), ("unknown", good, None, LOST, "tls"),
            ("of another host", wrong, wrong[0], LOST, "tls")):
        server = Server(["--tls", *pair])
        settings = ["log=off", "timeout=2s"] + (["ca_file=" + trusted] if trusted else [])
        told, ids, noise = play("https://127.0.0.1:%d/202/tls" % server.port, settings, flush=4000)
        reasons = None if told is None else {key: count for key, count in told["dropped"].items() if count}
        if told is None or told["flush"] != result or reasons != ({} if reason is None else {reason: SPANS}):
            problems.append("certificate %s: %s %s" % (name, told, noise))
        server.stop()
    shutil.rmtree(folder)
    return problems


def main():
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    server = Server()
    jobs = [(row, server.port, encoding) for row in EXPECTED for encoding in ("json", "proto3") if only in row[0]]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        problems = [one for one in pool.map(lambda job: judge(*job), jobs) if one]
    count = len(jobs)
    server.stop()
    if not only:
        problems += judge_tls()
        count += 3
    for problem in problems:
        print("FAILED " + problem[:600])
    print("%d behaviours, JSON and proto3" % len(EXPECTED))
    print("%d passed, %d failed" % (count - len(problems), len(problems)))
    sys.exit(1 if problems else 0)


main()
