#!/usr/bin/env python3
"""Runs the commands that people type every day, against collectors, terminals, and servers with something wrong.

SPDX-License-Identifier: Apache-2.0

    Tools/Tests/process/commands.py [PROGRAM [WORD]]      only the tests with that word in their names

The last line is "N passed, N failed".
"""

import contextlib
import fcntl
import http.server
import json
import os
import pty
import re
import select
import socket
import ssl
import struct
import subprocess
import sys
import termios
import threading
import time

from harness import HERE, PROGRAM, Collector, expect, main

ROOT = HERE.parents[2]
TRACE = "80f198ee56343ba864fe8b2a57d3eff7"


def environment(more):
    foreign = ("DIVAK_", "OTEL_", "LC_", "LANG", "COLUMNS", "NO_COLOR", "http_proxy", "all_proxy", "ALL_PROXY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


def divak(*arguments, stdin=None, **more):
    """The finished process; other named arguments are variables of its environment."""
    return subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, timeout=60, env=environment(more))


def said(*arguments, status=0, **more):
    """What it says, on both channels."""
    done = divak(*arguments, **more)
    text = (done.stdout + done.stderr).decode()
    expect(done.returncode == status, arguments, more, done.returncode, text)
    return text


def on_terminal(columns, *arguments, **more):
    """What a terminal of so many columns gets to see."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(PROGRAM, [PROGRAM, *arguments], environment(more))
    seen = b""
    with contextlib.suppress(OSError):  # what a terminal without programs says
        while piece := os.read(terminal, 65536):
            seen += piece
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    expect(os.waitstatus_to_exitcode(status) == 0, seen)
    return seen.decode()


def plain(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def shop(age=1):
    """A trace of two services, one of which failed; so many seconds old."""
    at = int((time.time() - age) * 1e6)
    frontend, backend = {"serviceName": "frontend"}, {"serviceName": "backend"}
    return [{"traceId": TRACE, "id": "1", "name": "get /orders", "kind": "SERVER", "timestamp": at, "duration": 148000,
             "localEndpoint": frontend},
            {"traceId": TRACE, "parentId": "1", "id": "2", "name": "get /stock", "kind": "CLIENT",
             "timestamp": at + 5000, "duration": 90000, "localEndpoint": frontend, "remoteEndpoint": backend,
             "tags": {"error": "sold out"}}]


@contextlib.contextmanager
def collecting(*spans):
    collector = Collector()
    collector.url = f"http://127.0.0.1:{collector.port}"
    try:
        if spans:
            expect(collector.ask("POST", "/api/v2/spans", json.dumps(spans))[0] == 202)
        yield collector
    finally:
        collector.stop()


@contextlib.contextmanager
def serving(answer):
    """A port of loopback where every connection is given to a function, and closed after."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def saying(data):
    def answer(connection):
        connection.recv(65536)
        connection.sendall(data)
    return answer


def status(number, more=""):
    return saying(f"HTTP/1.1 {number} X\r\nContent-Length: 0\r\n{more}\r\n".encode())


# ---- check ---------------------------------------------------------------------------------------


def check_goes_as_far_as_a_message_that_is_taken(_):
    with collecting() as collector:
        expected = f"✓ endpoint  {collector.url}\n✓ name      127.0.0.1 is 127.0.0.1\n" \
            "✓ port      127.0.0.1 accepts connections\n✓ message   an empty list of spans was accepted\n"
        expect(said("check", DIVAK_ENDPOINT=collector.url) == expected)
        expect(said("check", "--endpoint", collector.url, DIVAK_ENDPOINT="127.0.0.1:1") == expected)
        expect("✓ message" in said("check", DIVAK_ENDPOINT=f"localhost:{collector.port}"))
        text = said("check", DIVAK_ENDPOINT=collector.url, LC_ALL="C")
        expect(text.isascii() and "ok message" in text, text)
        steps = json.loads(said("check", "--json", DIVAK_ENDPOINT=collector.url))
        expect([(step["step"], step["ok"]) for step in steps]
               == [("endpoint", True), ("name", True), ("port", True), ("message", True)], steps)


def check_says_which_step_fails_and_what_may_help(_):
    def failing(step, hint, **more):
        text = said("check", status=1, **more)
        last = text.split("✗ ")[-1]
        expect(last.startswith(step) and hint in last and text.count("✗") == 1, more, text)
        return text

    failing("name", "spelled as in the DNS", DIVAK_ENDPOINT="no-such-host.invalid:9411")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    failing("port", "divak collector", DIVAK_ENDPOINT=f"127.0.0.1:{port}")
    for number, hint in ((301, "belongs in DIVAK_ENDPOINT"), (403, "DIVAK_HEADERS"), (404, "/api/v2/spans"),
                         (500, "whose log"), (503, "too much to do")):
        with serving(status(number, "Location: http://127.0.0.1:1/\r\n")) as port:
            text = failing("message", hint, DIVAK_ENDPOINT=f"http://127.0.0.1:{port}")
            expect(f"HTTP {number}" in text, text)
    with serving(saying(b"SSH-2.0-OpenSSH_9.2\r\n")) as port:
        failing("message", "does not speak HTTP", DIVAK_ENDPOINT=f"http://127.0.0.1:{port}")
        failing("TLS", "does not speak TLS", DIVAK_ENDPOINT=f"https://127.0.0.1:{port}")
    with serving(lambda connection: time.sleep(5)) as port:
        failing("message", "does not answer", DIVAK_ENDPOINT=f"127.0.0.1:{port}", DIVAK_TIMEOUT="500ms")
    with collecting() as collector:
        failing("message", "/api/v2/spans", DIVAK_ENDPOINT=f"{collector.url}/elsewhere")
        failing("TLS", "http:// instead", DIVAK_ENDPOINT=collector.url.replace("http", "https"))


def check_tells_what_is_wrong_with_a_certificate(folder):
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def over_tls(answer):
        def both(connection):
            with context.wrap_socket(connection, server_side=True) as secure:
                answer(secure)
        return both

    with serving(over_tls(status(202))) as port:
        text = said("check", status=1, DIVAK_ENDPOINT=f"https://localhost:{port}")
        expect("✗ TLS" in text and "DIVAK_CA_FILE" in text, text)
        text = said("check", DIVAK_ENDPOINT=f"https://localhost:{port}", DIVAK_CA_FILE=str(certificate))
        expect("✓ TLS" in text and "✓ message" in text, text)
        text = said("check", status=1, DIVAK_ENDPOINT=f"https://127.0.0.1:{port}", DIVAK_CA_FILE=str(certificate))
        expect("✗ TLS" in text and "other names than 127.0.0.1" in text, text)
        text = said("check", status=1, DIVAK_ENDPOINT=f"https://localhost:{port}", DIVAK_CA_FILE="/no/such/file")
        expect("/no/such/file" in text and "✓" not in text, text)
    with serving(over_tls(status(404))) as port:
        text = said("check", status=1, DIVAK_ENDPOINT=f"https://localhost:{port}", DIVAK_CA_FILE=str(certificate))
        expect("✓ TLS" in text and "✗ message" in text and "HTTP 404" in text, text)


def check_goes_through_a_proxy_as_a_traced_program_does(_):
    with collecting() as collector:
        text = said("check", DIVAK_ENDPOINT="http://no-such-host.invalid:9411", http_proxy=collector.url)
        expect("✓ proxy" in text and "http_proxy" in text and "✓ message" in text, text)
    text = said("check", status=1, DIVAK_ENDPOINT="http://no-such-host.invalid:9411", http_proxy="http://127.0.0.1:1")
    expect("✗ message" in text and "does the proxy run" in text, text)


def check_fails_where_tracing_is_turned_off(_):
    with collecting() as collector:
        for variable, value in (("DIVAK_ENABLED", "no"), ("OTEL_SDK_DISABLED", "true")):
            text = said("check", status=1, DIVAK_ENDPOINT=collector.url, **{variable: value})
            expect(f"✗ tracing   is turned off by {variable}" in text and "✓ message" in text, text)
        text = said("check", DIVAK_ENDPOINT=collector.url, DIVAK_SAMPLE_RATE="0")
        expect("sample rate is 0, by DIVAK_SAMPLE_RATE" in text, text)


# ---- config --------------------------------------------------------------------------------------


def config_prints_every_setting_with_its_value_and_source(_):
    header = (ROOT / "include/divak/config.h").read_text()
    documented = set(re.findall(r"^ \*   ([a-z_]+)  +\S", header, re.MULTILINE)) - {"setting"}
    more = {"DIVAK_SAMPLE_RATE": "0.25", "OTEL_SERVICE_NAME": "shop", "DIVAK_HEADERS": "authorization=Bearer abc"}
    settings = json.loads(said("config", "--json", **more))
    by_name = {setting["name"]: setting for setting in settings}
    expect(documented == set(by_name), documented ^ set(by_name))
    expect(by_name["sample_rate"]["value"] == "0.25" and by_name["sample_rate"]["source"] == "environment", by_name)
    expect(by_name["service_name"]["variable"] == "OTEL_SERVICE_NAME", by_name["service_name"])
    expect(by_name["timeout"] == {"name": "timeout", "value": "10s", "source": "default", "variable": "DIVAK_TIMEOUT"})
    lines = said("config", **more).splitlines()
    expect(len(lines) == len(settings) and all(by_name[line.split()[0]]["value"] in line for line in lines), lines)
    changed = said("config", "--changed", **more).splitlines()
    expect([line.split()[::2] for line in changed] == [["service_name", "OTEL_SERVICE_NAME"],
                                                       ["sample_rate", "DIVAK_SAMPLE_RATE"],
                                                       ["headers", "DIVAK_HEADERS"]], changed)
    expect("abc" not in "".join(lines + changed) + json.dumps(settings))


def config_and_check_name_variables_that_nobody_heeds(_):
    more = {"DIVAK_SAMPLERATE": "0.1", "DIVAK_JOIN": "false", "DIVAK_XYZ": "", "DIVAK_LOG": "off",
            "DIVAK_ENDPOINT": "http://127.0.0.1:1"}
    expected = (
        "divak: DIVAK_JOIN is not heeded: join is set in code alone\n"
        "divak: DIVAK_SAMPLERATE is not heeded: no setting has that name; DIVAK_SAMPLE_RATE is one\n"
        "divak: DIVAK_XYZ is not heeded: no setting has that name\n"
    )
    for command in ("config", "check"):
        told = divak(command, **more).stderr.decode()
        expect(told == expected, command, told)


def config_says_which_variable_is_not_accepted(_):
    text = said("config", status=1, DIVAK_SAMPLE_RATE="3")
    expect('DIVAK_SAMPLE_RATE: "3" is not accepted: a number from 0 to 1' in text, text)


# ---- traces, trace, dependencies -----------------------------------------------------------------


def a_pipe_gets_plain_text_and_a_terminal_colours_and_its_width(_):
    with collecting(*shop()) as collector:
        for command in (["traces"], ["trace", TRACE], ["trace", "--details", TRACE], ["dependencies"]):
            url = ["--url", collector.url]
            text = said(*command, *url)
            expect("\x1b" not in text and max(len(line) for line in text.splitlines()) <= 100, text)
            for columns in (70, 100, 160):
                seen = on_terminal(columns, *command, *url)
                expect("\x1b[" in seen, seen)
                expect(max(len(line) for line in plain(seen).splitlines()) <= columns, columns, plain(seen))
                if columns == 100:
                    expect(plain(seen).replace("\r\n", "\n") == text, seen, text)
            expect("\x1b" not in on_terminal(80, *command, *url, NO_COLOR="1"))
            expect("\x1b" not in on_terminal(80, *command, *url, TERM="dumb"))
            expect("\x1b[" in said(*command, *url, "--color", "always"))
            expect(said(*command, *url, LC_ALL="C").isascii())
        expect(said("traces", "--url", collector.url, COLUMNS="60") != said("traces", "--url", collector.url))


def json_is_the_servers_answer(_):
    with collecting(*shop()) as collector:
        one = said("trace", "--json", TRACE, "--url", collector.url)
        expect(one.encode() == collector.ask("GET", f"/api/v2/trace/{TRACE}")[1] + b"\n", one)
        expect(json.loads(said("traces", "--json", "--url", collector.url)) == [json.loads(one)])
        links = json.loads(said("dependencies", "--json", "--url", collector.url))
        expect(links == [{"parent": "frontend", "child": "backend", "callCount": 1, "errorCount": 1}], links)
        text = said("dependencies", "--url", collector.url)
        expect("1 failed (100 %)" in text, text)


def the_collector_that_programs_send_to_is_the_one_that_is_asked(_):
    with collecting(*shop()) as collector:
        path = f"{collector.url}/api/v2/spans"
        for more in ({"DIVAK_ENDPOINT": path}, {"OTEL_EXPORTER_ZIPKIN_ENDPOINT": path},
                     {"DIVAK_ENDPOINT": path, "OTEL_EXPORTER_ZIPKIN_ENDPOINT": "127.0.0.1:1"},
                     {"DIVAK_ENDPOINT": "", "OTEL_EXPORTER_ZIPKIN_ENDPOINT": path}):
            expect(TRACE in said("traces", **more), more)
        text = said("traces", status=1, DIVAK_ENDPOINT="127.0.0.1:1")
        expect("127.0.0.1:1" in text, text)
        text = said("traces", status=64, OTEL_EXPORTER_ZIPKIN_ENDPOINT="ftp://x")
        expect("OTEL_EXPORTER_ZIPKIN_ENDPOINT" in text and "ftp://x" in text, text)


def a_search_is_narrowed_as_asked(_):
    with collecting(*shop()) as collector:
        def found(*options):
            return TRACE in said("traces", "--url", collector.url, *options)

        for options in (["--service", "frontend"], ["--remote-service", "backend"], ["--name", "get /stock"],
                        ["--tag", "error=sold out"], ["--failed"], ["--min-duration", "100ms"], ["--since", "1m"]):
            expect(found(*options), options)
        for options in (["--service", "backend"], ["--name", "post"], ["--tag", "error=other"],
                        ["--min-duration", "1s"], ["--min-duration", "1ms", "--max-duration", "2ms"]):
            expect(not found(*options), options)
        text = said("trace", "abc", "--url", collector.url, status=1)
        expect("404" in text and "0000000000000abc" in text, text)


def what_can_not_be_written_is_a_failure_but_for_a_reader_who_has_had_enough(_):
    with collecting(*shop()) as collector:
        for command in ("traces", f"trace {TRACE}", "dependencies", "config", "check", "traces --json"):
            for closed in (">/dev/full", ">&-"):
                done = subprocess.run(["sh", "-c", f'exec "$0" {command} {closed}', PROGRAM], stderr=subprocess.PIPE,
                                      text=True, timeout=60, env=environment({"DIVAK_ENDPOINT": collector.url}))
                expect(done.returncode == 1 and "standard output: " in done.stderr, command, closed, done)
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([PROGRAM, "traces"], stdout=write, stderr=subprocess.PIPE, timeout=60,
                              env=environment({"DIVAK_ENDPOINT": collector.url}))
        os.close(write)
        expect(done.returncode in (0, -13) and done.stderr == b"", done)
    for closed in ("2>/dev/full", "2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'exec "$0" traces --url 127.0.0.1:1 {closed}', PROGRAM], timeout=60)
        expect(done.returncode == 1, closed, done)
    done = subprocess.run(["sh", "-c", 'exec "$0" send - <&-', PROGRAM], capture_output=True, text=True, timeout=60)
    expect(done.returncode == 1 and "standard input: " in done.stderr, done)
    expect(divak("trace", "--file", "-", stdin=b"[]").stdout == b"no spans\n")
    expect(divak("config", "--changed").stdout == b"")


# ---- send ----------------------------------------------------------------------------------------


def send_posts_every_span_of_a_file_in_messages_of_bounded_size(folder):
    many = folder / "many.json"
    many.write_text(json.dumps([{"traceId": "a", "id": f"{i + 1:x}", "tags": {"p": "x" * 1000}} for i in range(2000)]))
    with collecting() as collector:
        expect("2000 spans sent to " + collector.url in said("send", str(many), "--url", collector.url))
        expect(len(json.loads(collector.ask("GET", "/api/v2/trace/a")[1])) == 2000)
        messages = collector.counts()["counter.zipkin_collector.messages.http"]
        expect(messages == 5, messages)
        for name in ("client.json", "client.pb"):
            expect("1 span sent" in said("send", str(ROOT / "Tests/golden" / name), "--url", collector.url))
        saved = divak("trace", "a", "--json", "--url", collector.url).stdout
        with collecting() as other:
            expect("2000 spans" in said("send", "-", stdin=saved, DIVAK_ENDPOINT=other.url))
            expect(other.ask("GET", "/api/v2/trace/a")[1] + b"\n" == saved)
            expect(said("trace", "--file", "-", stdin=saved).count("unfinished") == 2000)


def send_names_what_it_can_not_send_and_sends_nothing_of_it(folder):
    torn = folder / "torn.json"
    torn.write_text('[{"traceId":"b","id":"1"},{"traceId":"b"')
    with collecting() as collector:
        for file, word in ((str(torn), "torn.json"), ("/no/such/file", "No such file"),
                           (str(ROOT / "README.md"), "README")):
            text = said("send", file, "--url", collector.url, status=1)
            expect(word in text, text)
        text = said("send", "-", "--url", collector.url, status=1, stdin=b'[{"traceId":"XYZ","id":"1"}]')
        expect("status 400: XYZ should be lower-hex" in text, text)
        expect(collector.counts()["gauge.divak_collector.spans"] == 0)


# ---- tail ----------------------------------------------------------------------------------------


def lines_of_tail(url, collector, *options):
    """The lines that tail prints for a trace that arrives while it runs."""
    process = subprocess.Popen([PROGRAM, "tail", "--url", url, *options], stdout=subprocess.PIPE, text=True,
                               env=environment({}))
    try:
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout))
        reader.start()
        for number in range(100):  # until it listens; each time another trace
            body = json.dumps([{**span, "traceId": f"{number + 1:x}"} for span in shop()])
            expect(collector.ask("POST", "/api/v2/spans", body)[0] == 202)
            with contextlib.suppress(subprocess.TimeoutExpired):
                expect(process.wait(0.3) == 0)
                break
        reader.join(5)
        return lines
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def tail_shows_spans_as_they_arrive(_):
    with collecting() as collector:
        lines = lines_of_tail(collector.url, collector, "--count", "2")
        expect(len(lines) == 2 and "get /orders" in lines[0] and "148 ms" in lines[0], lines)
        expect("sold out" in lines[1] and "\x1b" not in "".join(lines), lines)
        lines = lines_of_tail(collector.url, collector, "--json", "--failed", "--service", "FrontEnd", "--count", "1")
        expect(json.loads(lines[0])["tags"] == {"error": "sold out"}, lines)
    text = said("tail", "--url", "127.0.0.1:1", status=1)
    expect("127.0.0.1" in text, text)


def tail_says_how_many_spans_came_too_fast(_):
    with collecting() as collector:
        process = subprocess.Popen([PROGRAM, "tail", "--url", collector.url], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment({}))
        try:
            body = json.dumps([{"traceId": "1", "id": f"{i + 1:x}"} for i in range(5000)])
            shown = threading.Thread(target=process.stdout.read)  # lest it waits for us
            shown.start()
            told = b""
            for _ in range(20):  # until it listens; of each message more than 2,000 are left out
                expect(collector.ask("POST", "/api/v2/spans", body)[0] == 202)
                ready, _, _ = select.select([process.stderr], [], [], 1)
                if ready:
                    told = os.read(process.stderr.fileno(), 1000)
                    break
            expect(re.match(rb"divak: [0-9]+ spans came faster than they can be shown, and are left out\n", told), told)
        finally:
            process.kill()
            process.wait()
            shown.join()
            process.stdout.close()
            process.stderr.close()


def tail_that_nobody_reads_takes_bounded_room(_):
    with collecting() as collector:
        process = subprocess.Popen([PROGRAM, "tail", "--json", "--url", collector.url], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment({}))
        try:
            body = json.dumps([{"traceId": "1", "id": f"{i + 1:x}", "tags": {"p": "x" * 1000}} for i in range(1000)])
            for _ in range(300):  # 300 MB
                expect(collector.ask("POST", "/api/v2/spans", body)[0] == 202)
            time.sleep(1)
            with open(f"/proc/{process.pid}/statm", encoding="ascii") as statm:
                resident = int(statm.read().split()[1]) * 4096
            expect(resident < 400 << 20, resident)
            expect(process.poll() is None, process.returncode)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()


def tail_shows_those_of_another_zipkin_too(_):
    with collecting() as collector:
        class WithoutStream(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                known = not self.path.startswith("/api/divak")
                code, body = collector.ask("GET", self.path) if known else (404, b"")
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WithoutStream)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            lines = lines_of_tail(f"http://127.0.0.1:{server.server_address[1]}", collector, "--count", "2")
            expect(len(lines) == 2 and "frontend" in lines[0], lines)
        finally:
            server.shutdown()
            server.server_close()


def tail_tells_the_day_of_what_is_not_of_today(_):
    with collecting() as collector:
        process = subprocess.Popen([PROGRAM, "tail", "--url", collector.url, "--count", "1"], stdout=subprocess.PIPE,
                                   text=True, env=environment({"TZ": "UTC"}))
        try:
            while process.poll() is None:
                collector.ask("POST", "/api/v2/spans", '[{"traceId":"1","id":"1","timestamp":1472470996199000}]')
                time.sleep(0.2)
            line = process.stdout.read()
            expect(line.startswith("2016-08-29 11:43:16.199  unfinished"), line)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def a_variable_that_is_no_address_is_told_without_its_password(_):
    text = said("traces", status=64, DIVAK_ENDPOINT="ftp://me:s3cr3t@gate:1")
    expect('DIVAK_ENDPOINT: "ftp://REDACTED@gate:1" is not accepted' in text, text)


# ---- bench ---------------------------------------------------------------------------------------


def bench_measures_this_machine(_):
    rows = json.loads(said("bench", "--json", "--bursts", "4"))
    expect(len(rows) == 3 and all(1 < value < 1e6 for value in rows.values()), rows)
    text = said("bench", "--bursts", "4", DIVAK_ENDPOINT="nonsense")
    expect("0 dropped" in text and text.count(" ns\n") == 3, text)


if __name__ == "__main__":
    sys.exit(main(
        check_goes_as_far_as_a_message_that_is_taken, check_says_which_step_fails_and_what_may_help,
        check_tells_what_is_wrong_with_a_certificate, check_goes_through_a_proxy_as_a_traced_program_does,
        check_fails_where_tracing_is_turned_off, config_prints_every_setting_with_its_value_and_source,
        config_says_which_variable_is_not_accepted, config_and_check_name_variables_that_nobody_heeds,
        a_pipe_gets_plain_text_and_a_terminal_colours_and_its_width, json_is_the_servers_answer,
        the_collector_that_programs_send_to_is_the_one_that_is_asked, a_search_is_narrowed_as_asked,
        what_can_not_be_written_is_a_failure_but_for_a_reader_who_has_had_enough,
        send_posts_every_span_of_a_file_in_messages_of_bounded_size,
        send_names_what_it_can_not_send_and_sends_nothing_of_it, tail_shows_spans_as_they_arrive,
        tail_says_how_many_spans_came_too_fast, tail_that_nobody_reads_takes_bounded_room,
        tail_shows_those_of_another_zipkin_too, tail_tells_the_day_of_what_is_not_of_today,
        a_variable_that_is_no_address_is_told_without_its_password, bench_measures_this_machine))
