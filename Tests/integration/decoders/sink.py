#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sink.py FOLDER - takes every POST, and keeps each body as it came: FOLDER/N.body beside FOLDER/N.headers.

Prints "PORT n". Ends when its standard input closes. A GET answers how many bodies there are.
"""
import http.server
import os
import sys
import threading

folder = sys.argv[1]
lock = threading.Lock()
count = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            count += 1
            name = os.path.join(folder, "%06d" % count)
        with open(name + ".body", "wb") as file:
            file.write(body)
        with open(name + ".headers", "w", encoding="ascii") as file:
            for key, value in self.headers.items():
                file.write("%s: %s\n" % (key.lower(), value))
        self.answer(202)

    def do_GET(self):
        self.answer(200, str(count).encode())

    def log_message(self, *arguments):
        pass


os.makedirs(folder, exist_ok=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("PORT", server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
