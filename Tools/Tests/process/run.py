#!/usr/bin/env python3
"""Runs the collector as a process and does to it what happens to processes.

SPDX-License-Identifier: Apache-2.0

    Tools/Tests/process/run.py [PROGRAM [WORD]]      only the tests with that word in their names

Killed while it writes, stopped while somebody listens, left without disk, sent too much, asked by those who are slow,
many or hostile, and used by another project's client (zipkin-go, Debian's golang-github-openzipkin-zipkin-go-dev). The last line is "N passed, N failed".
"""

import gzip
import http.client
import json
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

from harness import HERE, PROGRAM, Collector, expect, main, spans


def killed_while_it_writes_it_starts_again_and_lost_no_more_than_the_last_second(folder):
    file = str(folder / "spans.db")
    total_before = 0
    for _ in range(5):
        collector = Collector("--db", file)
        expect(collector.counts()["counter.divak_collector.spans_restored"] >= total_before, "lost more")
        acknowledged = []
        until = time.monotonic() + random.uniform(1.5, 3)

        def send():
            connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=20)
            number = 0
            while time.monotonic() < until:
                status, _ = collector.ask("POST", "/api/v2/spans", spans(number, 500), connection=connection)
                number += 500
                expect(status == 202)
                acknowledged.append(time.monotonic())

        sender = threading.Thread(target=send)
        base = collector.counts()["gauge.divak_collector.spans"]
        sender.start()
        sender.join()
        collector.stop(signal.SIGKILL)
        killed = time.monotonic()
        total_before = base + 500 * sum(1 for moment in acknowledged if moment < killed - 1)
        expect(total_before > base, "nothing was older than a second")
    collector = Collector("--db", file)
    restored = collector.counts()["counter.divak_collector.spans_restored"]
    expect(restored >= total_before, restored, total_before)
    status, _ = collector.ask("POST", "/api/v2/spans", spans(0, 10))
    expect(status == 202)
    expect(collector.stop() == 0)


def stopped_it_writes_everything_although_somebody_listens(folder):
    file = str(folder / "spans.db")
    for number in (signal.SIGTERM, signal.SIGINT):
        collector = Collector("--db", file)
        before = collector.counts()["gauge.divak_collector.spans"]
        listener = socket.create_connection(("127.0.0.1", collector.port))
        listener.sendall(b"GET /api/divak/tail HTTP/1.1\r\nHost: x\r\n\r\n")
        listener.recv(1000)
        idle = socket.create_connection(("127.0.0.1", collector.port))
        expect(collector.ask("POST", "/api/v2/spans", spans(0, 1000))[0] == 202)
        begin = time.monotonic()
        expect(collector.stop(number) == 0)
        expect(time.monotonic() - begin < 3, "took", time.monotonic() - begin)
        listener.close()
        idle.close()
        collector = Collector("--db", file)
        expect(collector.counts()["counter.divak_collector.spans_restored"] == before + 1000)
        collector.stop()


def small_disk():
    """Files may have 2 MiB until told otherwise; a write beyond that fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, resource.RLIM_INFINITY))


def a_full_disk_is_told_to_the_sender_and_nothing_acknowledged_is_lost(folder):
    file = str(folder / "spans.db")

    collector = Collector("--db", file, before=small_disk)
    acknowledged = 0
    padding = "x" * 10_000
    while True:
        body = json.dumps([{"traceId": f"{acknowledged + i + 1:x}", "id": "1", "tags": {"p": padding}}
                           for i in range(500)])
        status, text = collector.ask("POST", "/api/v2/spans", body)
        if status != 202:
            break
        acknowledged += 500
        expect(acknowledged < 100_000, "it was never full")
    expect(status == 503 and b"database" in text, status, text)
    expect(collector.ask("GET", "/health")[0] == 503)
    expect(collector.ask("GET", "/api/v2/trace/1")[0] == 200)
    resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    until = time.monotonic() + 20
    while collector.ask("GET", "/health")[0] != 200:
        expect(time.monotonic() < until, "it did not recover")
        time.sleep(0.1)
    expect(collector.ask("POST", "/api/v2/spans", spans(0, 10))[0] == 202)
    expect(collector.stop() == 0)
    collector = Collector("--db", file)
    expect(collector.counts()["counter.divak_collector.spans_restored"] == acknowledged + 10)
    collector.stop()


def it_serves_whatever_became_of_its_standard_files(folder):
    for number, closed in enumerate(("<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full")):
        port = unused_port()
        file = folder / f"{number}.db"
        command = f'exec "$0" collector --port {port} --db "$1" {closed}'
        process = subprocess.Popen(["sh", "-c", command, PROGRAM, file], stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", "/api/v2/spans", spans(0, 10), {"Content-Type": "application/json"})
            expect(connection.getresponse().status == 202, closed)
        finally:
            process.terminate()
        expect(process.wait(20) == 0, closed)
        expect((folder / f"{number}.db.lock").read_bytes() == b"", closed)


def a_full_disk_that_its_own_log_lies_on_too_does_not_end_it(folder):
    with open("/dev/full", "w") as full:
        collector = Collector("--db", str(folder / "spans.db"), before=small_disk, stderr=full)
    padding = "x" * 10_000
    sent = 0
    status = 202
    while status == 202:
        body = json.dumps([{"traceId": f"{sent + i + 1:x}", "id": "1", "tags": {"p": padding}} for i in range(500)])
        status, _ = collector.ask("POST", "/api/v2/spans", body)
        sent += 500
        expect(sent < 100_000, "it was never full")
    expect(status == 503 and collector.counts()["counter.divak_collector.write_failures"] > 0, status)
    collector.stop(signal.SIGKILL)


def who_listens_sees_spans_as_they_arrive(_):
    collector = Collector()
    listener = socket.create_connection(("127.0.0.1", collector.port))
    listener.sendall(b"GET /api/divak/tail?serviceName=WEB HTTP/1.1\r\nHost: x\r\n\r\n")
    listener.settimeout(5)
    text = b""
    while b"listening" not in text:
        text += listener.recv(10000)
    expect(b"text/event-stream" in text)
    body = '[{"traceId":"1","id":"1","localEndpoint":{"serviceName":"%s"}}]'
    collector.ask("POST", "/api/v2/spans", body % "other")
    collector.ask("POST", "/api/v2/spans", body % "web")
    while b"web" not in text:
        text += listener.recv(10000)
    expect(b"event: spans\ndata: [{" in text and b"other" not in text, text)
    listener.close()
    expect(collector.stop() == 0)


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for_port(port):
    until = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            expect(time.monotonic() < until, "nothing listens at", port)
            time.sleep(0.05)


def read_all(listener):
    """What comes until nothing has come for a second."""
    listener.settimeout(1)
    pieces = []
    try:
        while piece := listener.recv(1 << 20):
            pieces.append(piece)
    except TimeoutError:
        pass
    return b"".join(pieces)


def resident(collector):
    """Bytes of memory that it takes."""
    return int(pathlib.Path(f"/proc/{collector.process.pid}/statm").read_text().split()[1]) * 4096


def who_listens_and_does_not_read_costs_little_and_is_told_what_was_lost(_):
    collector = Collector()
    listener = socket.create_connection(("127.0.0.1", collector.port))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    listener.sendall(b"GET /api/divak/tail HTTP/1.1\r\nHost: x\r\n\r\n")
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=20)
    sent = 0
    for _ in range(50):
        collector.ask("POST", "/api/v2/spans", spans(sent, 2000), connection=connection)
        sent += 2000
    expect(resident(collector) < 300 << 20, resident(collector))
    text = read_all(listener)
    # With the next spans comes the word on those before them.
    collector.ask("POST", "/api/v2/spans", spans(sent, 1), connection=connection)
    text += read_all(listener)
    sent += 1
    got = text.count(b'"traceId"')
    lost = sum(json.loads(part.split(b"\n")[0])["spans"] for part in text.split(b"event: lost\ndata: ")[1:])
    expect(lost > 0 and got + lost == sent, got, lost, sent)
    listener.close()
    expect(collector.stop() == 0)


def too_much_is_refused_with_413_and_the_next_request_is_served(_):
    collector = Collector("--max-body", "1MiB", "--max-inflated", "2MiB")
    status, text = collector.ask("POST", "/api/v2/spans", "[" + " " * (1 << 20) + "]")
    expect(status == 413 and b"1048576" in text, status, text)
    bomb = gzip.compress(b" " * (50 << 20))
    status, text = collector.ask("POST", "/api/v2/spans", bomb, {"Content-Encoding": "gzip"})
    expect(status == 413 and b"2097152" in text, status, text)
    expect(collector.ask("POST", "/api/v2/spans", "[" + " " * 1000 + "]")[0] == 202)
    expect(collector.stop() == 0)


def raw(collector, data, seconds=5):
    """What is answered to bytes as they are, until the connection is closed or nothing more comes."""
    with socket.create_connection(("127.0.0.1", collector.port)) as connection:
        connection.settimeout(seconds)
        pieces = []
        try:
            connection.sendall(data)
            while piece := connection.recv(1 << 16):
                pieces.append(piece)
        except (TimeoutError, ConnectionError):
            pass
        return b"".join(pieces)


def requests_that_no_client_makes_are_refused_and_harm_nobody(_):
    collector = Collector("--patience", "1s")
    head = b"GET /health HTTP/1.1\r\nHost: x\r\n"
    post = b"POST /api/v2/spans HTTP/1.1\r\nHost: x\r\n"
    for what, data in (("a huge header", head + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n"),
                       ("too many headers", head + b"".join(b"X%d: a\r\n" % i for i in range(20_000)) + b"\r\n"),
                       ("a huge address", b"GET /api/v2/traces?serviceName=" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n"),
                       ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01"), ("a version to come", b"GET / HTTP/9.9\r\n\r\n"),
                       ("no method", b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n"),
                       ("a negative length", post + b"Content-Length: -1\r\n\r\n"),
                       ("two lengths", post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")):
        expect(raw(collector, data).startswith(b"HTTP/1.1 400 "), what, raw(collector, data)[:100])
    begin = time.monotonic()
    answer = raw(collector, post + b"Content-Length: 99999999999\r\n\r\n[", 0.8)
    expect(b" 413 " in answer and time.monotonic() - begin < 5, answer)
    # One after another without waiting, and a body in chunks.
    expect(raw(collector, (head + b"\r\n") * 50).count(b"HTTP/1.1 200 ") == 50)
    body = b"4\r\n[{\"t\r\n16\r\nraceId\":\"e\",\"id\":\"1\"}]\r\n0\r\n\r\n"
    answer = raw(collector, (post + b"Transfer-Encoding: chunked\r\n\r\n" + body) * 10)
    expect(answer.count(b"HTTP/1.1 202 ") == 10, answer)
    expect(collector.ask("GET", "/api/v2/trace/e")[1] == b'[{"traceId":"000000000000000e","id":"0000000000000001"}]')
    for path in ("/nowhere", "/api/v2/services/", "//api/v2/services", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                 "/static/../index.html", "/api/v2/trace/1/2"):
        expect(collector.ask("GET", path)[0] == 404, path)
    for query in ("limit=%00", "limit=1e1", "limit=", "endTs=%C2%B9", "minDuration=1.5", "lookback=9223372036854775808"):
        status, text = collector.ask("GET", "/api/v2/traces?" + query)
        expect(status == 400 and query.split("=")[0].encode() in text, query, status, text)
    for query in ("annotationQuery=%", "serviceName=%ff%fe", "serviceName=%00", "&&&=&=", "a=b&" * 5000):
        expect(collector.ask("GET", "/api/v2/traces?" + query)[0] == 200, query)
    for path, allowed in (("/health", "GET, HEAD, OPTIONS"), ("/api/v2/spans", "GET, HEAD, OPTIONS, POST")):
        for method in ("PUT", "DELETE", "PATCH", "TRACE"):
            answer = raw(collector, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            expect(answer.startswith(b"HTTP/1.1 405 ") and f"allow: {allowed}\r\n".encode() in answer, answer)
    for path in ("/health", "/", "/api/v2/services"):
        answer = raw(collector, f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        expect(answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n"), answer)
        expect(b"\r\nContent-Length: 0" not in answer, answer)
    expect(collector.ask("OPTIONS", "/api/v2/spans") == (200, b""))
    expect(collector.stop() == 0)


def who_is_slow_is_let_go_and_keeps_nobody_out(_):
    collector = Collector("--patience", "1s", before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))
    beginnings = (b"", b"GET /health HTT", b"POST /api/v2/spans HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[")
    slow = []
    for i in range(600):  # three times as many as it may have files open
        slow.append(socket.create_connection(("127.0.0.1", collector.port)))
        slow[-1].sendall(beginnings[i % 3])
    is_over = threading.Event()

    def dribble():
        while not is_over.wait(0.2):
            for connection in slow[2::3]:
                try:
                    connection.sendall(b" ")
                except OSError:
                    pass

    dribbler = threading.Thread(target=dribble)
    dribbler.start()
    try:
        expect(collector.ask("POST", "/api/v2/spans", spans(0, 10))[0] == 202)
        expect(collector.ask("GET", "/health")[0] == 200)
        answers = []
        for connection in slow:
            connection.settimeout(20)
            try:
                answers.append(connection.recv(1000))
            except ConnectionError:
                answers.append(b"")
    finally:
        is_over.set()
        dribbler.join()
    expect(all(answer == b"" or b" 408 " in answer for answer in answers), set(answers))
    expect(sum(b" 408 " in answer for answer in answers) > 0)
    for connection in slow:
        connection.close()
    expect(collector.ask("GET", "/health")[0] == 200)
    expect(collector.stop() == 0)


def bodies_that_do_not_end_take_bounded_room_together(_):
    collector = Collector()
    before = resident(collector)
    head = b"POST /api/v2/spans HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n[" % (10 << 20)
    many = []
    for _ in range(60):
        many.append(socket.create_connection(("127.0.0.1", collector.port)))
        many[-1].settimeout(20)
        many[-1].sendall(head + b" " * (9 << 20))
    expect(resident(collector) - before < 400 << 20, before, resident(collector))
    answer = many[-1].recv(1000)
    expect(answer.startswith(b"HTTP/1.1 503 ") and b"\r\nretry-after: 1\r\n" in answer.lower(), answer)
    for connection in many:
        connection.close()
    # What was taken is given back, soon and all of it.
    until = time.monotonic() + 20
    while collector.ask("POST", "/api/v2/spans", "[]")[0] != 202:
        expect(time.monotonic() < until, "it did not recover")
        time.sleep(0.1)
    for _ in range(40):
        expect(collector.ask("POST", "/api/v2/spans", "[" + " " * (9 << 20) + "]")[0] == 202)
    expect(collector.stop() == 0)


def questions_that_take_long_keep_nobody_from_sending(_):
    collector = Collector()
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=20)
    for first in range(0, 20_000, 2000):
        collector.ask("POST", "/api/v2/spans", spans(first, 2000), connection=connection)
    end = int(time.time() * 1000) + 1000
    answered = []

    def ask():
        answered.append(collector.ask("GET", f"/api/v2/dependencies?endTs={end}")[0])

    asking = [threading.Thread(target=ask) for _ in range(8)]
    for one in asking:
        one.start()
    sent = 0
    longest = 0
    while any(one.is_alive() for one in asking):
        begin = time.monotonic()
        expect(collector.ask("POST", "/api/v2/spans", spans(0, 1), connection=connection)[0] == 202)
        longest = max(longest, time.monotonic() - begin)
        sent += 1
    for one in asking:
        one.join()
    expect(answered == [200] * 8, answered)
    expect(sent > 10 and longest < 1.5, sent, longest)
    expect(collector.stop() == 0)


def it_listens_on_loopback_alone_unless_told(_):
    collector = Collector()
    inode_lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()
    ports = [line.split()[1] for line in inode_lines if line.split()[1].endswith(f":{collector.port:04X}")]
    expect(ports and all(address.startswith("0100007F:") for address in ports), ports)
    expect(collector.stop() == 0)


def wrong_options_are_told_in_words(folder):
    (folder / "letter").write_text("no database")
    cases = [(["--port", "70000"], "70000"), (["--max-spans", "0"], "--max-spans 0"), (["--max-age", "soon"], "soon"),
             (["--max-bytes", "12XB"], "12XB"), (["--db", ""], '--db ""'), (["--db", str(folder / "letter")], "letter"),
             (["--db", str(folder / "no/such/folder/x.db")], "no/such/folder"), (["--host", "256.1.1.1"], "256.1.1.1")]
    for options, word in cases:
        done = subprocess.run([PROGRAM, "collector", "--port", "0", *options], capture_output=True, text=True,
                              timeout=20)
        expect(done.returncode != 0 and word in done.stderr, options, done.returncode, done.stderr)
    taken = Collector()
    done = subprocess.run([PROGRAM, "collector", "--port", str(taken.port)], capture_output=True, text=True, timeout=20)
    told = f"--port {taken.port}: Address already in use\n"
    expect(done.returncode != 0 and told in done.stderr, done.stderr)
    taken.stop()


def another_projects_client_sends_and_reads_back(folder):
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
                   "GOCACHE": str(folder / "cache")}
    client = folder / "client"
    subprocess.run(["go", "build", "-o", client, "client.go"], cwd=HERE, env=environment, check=True)
    collector = Collector()
    done = subprocess.run([client, f"http://127.0.0.1:{collector.port}"], capture_output=True, text=True, timeout=30)
    expect(done.returncode == 0, done.stderr)
    expect(json.loads(collector.ask("GET", "/api/v2/services")[1]) == ["go-client"])
    expect(collector.stop() == 0)


if __name__ == "__main__":
    sys.exit(main(
        killed_while_it_writes_it_starts_again_and_lost_no_more_than_the_last_second,
        stopped_it_writes_everything_although_somebody_listens,
        a_full_disk_is_told_to_the_sender_and_nothing_acknowledged_is_lost,
        it_serves_whatever_became_of_its_standard_files, a_full_disk_that_its_own_log_lies_on_too_does_not_end_it,
        who_listens_sees_spans_as_they_arrive,
        who_listens_and_does_not_read_costs_little_and_is_told_what_was_lost,
        too_much_is_refused_with_413_and_the_next_request_is_served,
        requests_that_no_client_makes_are_refused_and_harm_nobody,
        who_is_slow_is_let_go_and_keeps_nobody_out, bodies_that_do_not_end_take_bounded_room_together,
        questions_that_take_long_keep_nobody_from_sending,
        it_listens_on_loopback_alone_unless_told, wrong_options_are_told_in_words,
        another_projects_client_sends_and_reads_back))
