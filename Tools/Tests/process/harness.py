"""What the tests of the command as a process share: a collector of their own, and the count.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else str(HERE.parents[1] / ".build/debug/divak")
PASSED, FAILED = [], []


class Collector:
    def __init__(self, *options, before=None, stderr=subprocess.PIPE):
        self.process = subprocess.Popen([PROGRAM, "collector", "--port", "0", *options], stdout=subprocess.PIPE,
                                        stderr=stderr, text=True, preexec_fn=before)
        line = self.process.stdout.readline()
        if "http://" not in line:
            raise AssertionError("it did not start: " + self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1])

    def ask(self, method, path, body=None, headers=None, connection=None):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        own.request(method, path, body, headers or {})
        answer = own.getresponse()
        text = answer.read()
        if connection is None:
            own.close()
        return answer.status, text

    def counts(self):
        return json.loads(self.ask("GET", "/metrics")[1])

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process.stdout.close()
        if self.process.stderr:
            self.process.stderr.close()
        return status


def spans(first, count):
    return json.dumps([{"traceId": f"{first // 7 + 1:x}", "id": f"{first + i + 1:x}", "name": "n",
                        "timestamp": int(time.time() * 1e6)} for i in range(count)])


def test(function):
    name = function.__name__
    with tempfile.TemporaryDirectory(prefix="divak-test-") as folder:
        try:
            function(pathlib.Path(folder))
            PASSED.append(name)
            print("ok  ", name, flush=True)
        except Exception as error:  # noqa: BLE001: whatever went wrong, the next test runs
            FAILED.append(name)
            print("FAIL", name, type(error).__name__, error, flush=True)


def expect(is_true, *what):
    if not is_true:
        raise AssertionError(*what)


def main(*functions):
    for function in functions:
        if len(sys.argv) < 3 or sys.argv[2] in function.__name__:
            test(function)
    print(f"{len(PASSED)} passed, {len(FAILED)} failed")
    return 1 if FAILED or not PASSED else 0
