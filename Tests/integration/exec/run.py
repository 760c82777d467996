#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py DIVAK - runs commands under `divak exec`, against a collector of its own on loopback."""
import http.server
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import bodies  # noqa: E402 - lies beside our folder

DIVAK = sys.argv[1]
TRACE, SPAN = "80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1"
NAMES = ("TRACEPARENT", "TRACESTATE", "BAGGAGE", "B3")
SHOW = ["sh", "-c", "env | grep -E '^(TRACEPARENT|TRACESTATE|BAGGAGE|B3)='"]


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    spans, lock, stall = [], threading.Lock(), threading.Event()
    test = ""  # the one that runs

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        bodies.keep("exec-" + self.test, self.headers.items(), body)
        if self.path.startswith("/stall"):
            self.stall.wait(30)
        with self.lock:
            self.spans.extend(json.loads(body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def environment(**more):
    kept = {name: value for name, value in os.environ.items()
            if name not in NAMES and not name.startswith(("DIVAK_", "OTEL_"))}
    return {**kept, "DIVAK_ENDPOINT": f"http://127.0.0.1:{PORT}/api/v2/spans", **more}


def taken():
    with Collector.lock:
        spans, Collector.spans = Collector.spans, []
    return spans


def run(*arguments, env=None, **options):
    """The finished process, and the spans that arrived."""
    taken()
    done = subprocess.run([DIVAK, "exec", *arguments], capture_output=True, text=True, timeout=60,
                          env=environment(**(env or {})), **options)
    return done, taken()


def start(*arguments, **more):
    taken()
    return subprocess.Popen([DIVAK, "exec", *arguments], stdout=subprocess.PIPE, text=True,
                            env=environment(**more))


def hangup(disposition):
    """A command that runs on until the terminal goes away, begun with that disposition of the signal."""
    taken()
    child = subprocess.Popen([DIVAK, "exec", "sh", "-c", "echo ready; while :; do sleep 0.05; done"],
                             stdout=subprocess.PIPE, text=True, env=environment(),
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, disposition))
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGHUP)
    return child


def variables(text):
    return dict(line.split("=", 1) for line in text.splitlines())


# ---- status ---------------------------------------------------------------------------------------

def the_exit_status_is_the_commands():
    for status in (0, 1, 3, 255):
        done, spans = run("sh", "-c", f"exit {status}")
        assert done.returncode == status, done
        assert len(spans) == 1 and spans[0]["tags"]["process.exit.code"] == str(status), spans
        assert spans[0]["tags"].get("error") == (f"exit status {status}" if status else None), spans


def what_can_not_run_is_said_as_a_shell_says_it():
    done, spans = run("/nowhere/at-all")
    assert done.returncode == 127 and "/nowhere/at-all" in done.stderr, done
    assert spans[0]["tags"]["error"] == "No such file or directory", spans
    done, spans = run("/etc/passwd")
    assert done.returncode == 126 and spans[0]["tags"]["error"] == "Permission denied", (done, spans)


def who_is_killed_seems_killed_himself():
    for name in ("TERM", "KILL", "SEGV", "INT"):
        done, spans = run("sh", "-c", f"kill -{name} $$")
        assert done.returncode == -getattr(signal, f"SIG{name}"), done
        assert spans[0]["tags"]["error"] == f"killed by SIG{name}", spans


def mistakes_are_named_and_nothing_runs():
    for arguments, word in ((("--tag", "novalue", "true"), '"novalue"'), (("--nonsense", "true"), '"--nonsense"'),
                            (("--name", "a", "-xy", "true"), '"-x"'), (("--help=me", "true"), '"--help=me"'),
                            (("--name",), '"--name"'), ((), "no command"), (("--service", "", "true"), '""')):
        done, spans = run(*arguments)
        assert done.returncode == 2 and word in done.stderr and not spans, (done, spans)


def a_bad_setting_is_said_and_the_command_runs():
    done, spans = run("sh", "-c", "exit 7", env={"DIVAK_SAMPLE_RATE": "2"})
    assert done.returncode == 7 and "DIVAK_SAMPLE_RATE" in done.stderr and not spans, (done, spans)


# ---- signals and terminal -------------------------------------------------------------------------

def a_signal_sent_to_it_reaches_the_command():
    child = start("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
    assert child.stdout.readline() == "ready\n"
    child.terminate()
    assert child.wait(20) == 9
    child.stdout.close()


def ignored_signals_stay_ignored_and_the_mask_is_as_before():
    done, _ = run("sh", "-c", "kill -HUP $$; grep SigBlk /proc/self/status",
                  preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert done.returncode == 0 and done.stdout.split() == ["SigBlk:", "0" * 16], done
    done, _ = run("sh", "-c", "exit 4", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 4, done


def it_stops_and_goes_on_with_the_command():
    child = start("sh", "-c", "kill -STOP $$; exit 5")
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
    child.send_signal(signal.SIGCONT)
    assert child.wait(20) == 5
    child.stdout.close()


def an_alarm_set_before_it_ends_the_command():
    # As "perl -e 'alarm 1; exec @ARGV' divak exec ..." does; the kernel tells it to us alone.
    child = subprocess.Popen([DIVAK, "exec", "sleep", "60"], env=environment(),
                             preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 0.3))
    assert child.wait(20) == -signal.SIGALRM


def the_terminal_is_the_commands():
    script = "trap 'echo interrupted; exit 6' INT; tty; echo ready; while :; do sleep 0.05; done"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(DIVAK, [DIVAK, "exec", "sh", "-c", script], environment(DIVAK_LOG="off"))
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    try:
        while piece := os.read(terminal, 1000):
            seen += piece
    except OSError:  # what a terminal without programs says
        pass
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 6 and seen.count(b"interrupted") == 1, (status, seen)
    assert seen.startswith(b"/dev/pts/"), seen


def bash(command):
    """What bash says when the command is stopped, woken, interrupted, and read from in the background."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"],
                  environment(DIVAK_LOG="off", PS1="<>", TERM="dumb", DIVAK_CLOSE_TIMEOUT="100ms"))
    seen = b""

    def until(*words):
        nonlocal seen
        end = time.monotonic() + 20
        got = b""
        while not all(word in got for word in words):
            ready, _, _ = select.select([terminal], [], [], max(end - time.monotonic(), 0))
            assert ready, f"{words} did not come, but {seen + got}"
            got += os.read(terminal, 4096)
        seen += got

    def type_in(text, *words):
        os.write(terminal, text)
        until(*words)

    until(b"<>")
    type_in(command + b" sh -c 'echo $((6*7)); read line; echo $((7*8)); exit 7'\n", b"42\r\n")
    type_in(b"\x1a", b"Stopped", b"<>")
    type_in(b"fg\n", b"sh -c")
    type_in(b"\n", b"56\r\n", b"<>")
    type_in(b"echo status $?\n", b"status 7", b"<>")
    type_in(command + b" cat &\n", b"[1]", b"<>")
    for _ in range(100):  # bash tells at its next prompt
        type_in(b"jobs\n", b"cat", b"<>")
        if b"Stopped" in seen.rsplit(b"jobs", 1)[1]:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("reading in the background did not stop it")
    type_in(b"kill %1; fg; echo status $?\n", b"status 143", b"<>")
    for key, status in ((b"\x03", b"130"), (b"\x1c", b"131")):
        type_in(command + b" sh -c 'echo $((6*7)); exec sleep 60'\n", b"42\r\n")
        type_in(key, b"<>")
        type_in(b"echo status $?\n", b"status " + status, b"<>")
    os.write(terminal, b"exit\n")
    os.waitpid(pid, 0)
    os.close(terminal)


def a_shell_stops_wakes_and_interrupts_it_as_any_job():
    bash(b"")  # so that what is asked for is what bash does without it
    bash(DIVAK.encode() + b" exec --")


def what_is_closed_stays_closed():
    done, _ = run("sh", "-c", "ls /proc/self/fd | wc -l", stdin=subprocess.DEVNULL)
    plain = subprocess.run(["sh", "-c", "ls /proc/self/fd | wc -l"], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL)
    assert done.stdout == plain.stdout, (done, plain)
    done = subprocess.run(["sh", "-c", f"{DIVAK} exec -- sh -c 'read line; echo $?' <&-"], capture_output=True,
                          text=True, env=environment())
    assert done.stdout == "1\n", done
    done = subprocess.run(["sh", "-c", f"{DIVAK} exec -- sh -c 'exit 3' <&- >&- 2>&-"], env=environment())
    assert done.returncode == 3, done


def a_terminal_that_goes_away_ends_it():
    child = hangup(signal.SIG_DFL)
    assert child.wait(20) == -signal.SIGHUP
    child.stdout.close()


def a_terminal_that_goes_away_ends_what_leads_its_session():
    # As under ssh, or in a window of its own: only the leader of the session is told.
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(DIVAK, [DIVAK, "exec", "sh", "-c", "echo $$; exec sleep 60"], environment(DIVAK_LOG="off"))
    seen = b""
    while b"\n" not in seen:
        seen += os.read(terminal, 1000)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGHUP, status
    assert not os.path.exists(f"/proc/{int(seen)}"), seen


def a_terminal_that_goes_away_is_ignored_where_the_caller_ignores_it():
    child = hangup(signal.SIG_IGN)  # as nohup does
    try:
        child.wait(0.5)
        assert False, child.returncode
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGTERM)
    assert child.wait(20) == -signal.SIGTERM
    child.stdout.close()


def standard_input_and_output_pass_through():
    data = "x" * 300000
    done, _ = run("cat", input=data)
    assert done.stdout == data and done.stderr == "", len(done.stdout)


# ---- the trace ------------------------------------------------------------------------------------

def the_command_finds_its_span_in_the_environment():
    done, spans = run("--name", "Show It", "--service", "tests", "--tag", "a=b=c", "--tag", "empty=", *SHOW)
    span, = spans
    seen = variables(done.stdout)
    assert seen["TRACEPARENT"].startswith(f"00-{span['traceId']}-{span['id']}-"), (seen, span)
    assert seen["B3"] == f"{span['traceId']}-{span['id']}-1", (seen, span)
    assert span["name"] == "show it" and span["localEndpoint"]["serviceName"] == "tests", span
    assert "parentId" not in span and "kind" not in span and span["duration"] >= 1, span
    tags = span["tags"]
    assert tags["a"] == "b=c" and tags["empty"] == "" and tags["process.executable.name"] == "sh", span
    assert abs(span["timestamp"] / 1e6 - time.time()) < 60, span


def calls_nest():
    done, spans = run("--name", "outer", "--", DIVAK, "exec", "--name", "inner", *SHOW)
    by_name = {span["name"]: span for span in spans}
    outer, inner = by_name["outer"], by_name["inner"]
    assert inner["traceId"] == outer["traceId"] and inner["parentId"] == outer["id"], spans
    assert inner["id"] in variables(done.stdout)["B3"], (done, spans)
    assert outer["duration"] >= inner["duration"], spans


def an_outer_context_is_joined_and_all_of_it_handed_on():
    outer = {"TRACEPARENT": f"00-{TRACE}-{SPAN}-01", "TRACESTATE": "vendor=value", "BAGGAGE": "country-code=nl"}
    done, spans = run(*SHOW, env=outer)
    span, = spans
    seen = variables(done.stdout)
    assert span["traceId"] == TRACE and span["parentId"] == SPAN, span
    assert seen["TRACEPARENT"] == f"00-{TRACE}-{span['id']}-01", seen
    assert seen["TRACESTATE"] == outer["TRACESTATE"] and seen["BAGGAGE"] == outer["BAGGAGE"], seen
    assert seen["B3"] == f"{TRACE}-{span['id']}-1-{SPAN}", seen


def an_unsampled_trace_stays_unsampled():
    done, spans = run("sh", "-c", SHOW[2] + "; exit 8", env={"B3": f"{TRACE}-{SPAN}-0"})
    assert done.returncode == 8 and not spans, (done, spans)
    assert variables(done.stdout)["TRACEPARENT"].endswith("-00"), done
    for rate in ("DIVAK_SAMPLE_RATE", "DIVAK_ENABLED"):
        done, spans = run("true", env={rate: "0"})
        assert done.returncode == 0 and not spans, (rate, done, spans)


# ---- delivery -------------------------------------------------------------------------------------

def a_collector_that_stalls_holds_nobody_up_for_longer_than_close_timeout():
    took = []
    for _ in range(3):
        began = time.monotonic()
        done, _ = run("true", env={"DIVAK_ENDPOINT": f"http://127.0.0.1:{PORT}/stall", "DIVAK_LOG": "off",
                                   "DIVAK_CLOSE_TIMEOUT": "200ms"})
        assert done.returncode == 0, done
        took.append(time.monotonic() - began)
    # The collector stalls for 30 s, a request may take 10, and close_timeout is 1 s when nothing says otherwise.
    assert 0.2 <= min(took) < 1, took
    done, _ = run("true", env={"DIVAK_ENDPOINT": f"http://127.0.0.1:{PORT}/stall", "DIVAK_CLOSE_TIMEOUT": "100ms"})
    assert "no answer in time, 1 spans dropped" in done.stderr, done
    Collector.stall.set()


def where_nobody_listens_it_ends_with_the_command_and_says_what_was_lost():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    took = []
    for _ in range(3):
        began = time.monotonic()
        done, _ = run("sh", "-c", "exit 3", env={"DIVAK_ENDPOINT": f"127.0.0.1:{port}", "DIVAK_CLOSE_TIMEOUT": "20s"})
        took.append(time.monotonic() - began)
        assert done.returncode == 3 and f"127.0.0.1:{port}" in done.stderr, done
        assert "connect" in done.stderr and "1 spans dropped" in done.stderr and done.stderr.count("\n") == 1, done
    assert min(took) < 2, took


def what_is_said_of_trouble_goes_to_no_collector_when_standard_error_is_closed():
    heard = []

    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(20)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
            while piece := connection.recv(65536):
                heard.append(piece)
                if piece.startswith(b"POST"):
                    connection.sendall(b"HTTP/1.1 202 X\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        done = subprocess.run(["sh", "-c", f"{DIVAK} exec -- sh -c 'exit 3' <&- >&- 2>&-"], timeout=60,
                              env=environment(DIVAK_ENDPOINT=f"127.0.0.1:{listener.getsockname()[1]}"))
        server.join(20)
    assert done.returncode == 3, done
    assert heard and all(b"divak: " not in piece for piece in heard), heard


def other_commands_are_handed_on_or_missed_with_words():
    done = subprocess.run([DIVAK, "nothing-of-that-name"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "divak" in done.stderr, done


# Who runs the tests in the background has these ignored, and commands would inherit it.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

SERVER = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
SERVER.daemon_threads = True
PORT = SERVER.server_address[1]
threading.Thread(target=SERVER.serve_forever, daemon=True).start()

passed = failed = 0
for name, test in list(globals().items()):
    if callable(test) and getattr(test, "__module__", "") == "__main__" and "_" in name and name.islower():
        Collector.test = name
        try:
            test()
            passed += 1
        except Exception as error:  # one that fails does not hide the others
            failed += 1
            print(f"FAILED {name}: {type(error).__name__} {error}")
SERVER.shutdown()
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0 or passed == 0)
