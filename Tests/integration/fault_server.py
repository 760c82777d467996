#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fault_server.py - a collector that misbehaves on request, and keeps a ledger of what it really got.

    python3 Tests/integration/fault_server.py [--port 0] [--tls CERT KEY] [--also-tls CERT KEY MAXIMUM]...

Prints "PORT n" on its first line, then "PORT n" for each --also-tls (MAXIMUM is any, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3; weak:
any, and keys of any length; anonymous: ciphers without a certificate; plain: no TLS at all). Runs until its standard input closes or SIGTERM. The path of a request
says what happens to it; the rest of the path after the arguments is free and keeps ledgers apart.

    answers     /202 /200  /status/503  /redirect/302  /retry-after/SECONDS  /retry-date/SECONDS  /http10
                /chunked  /flaky/503,rst,202 (one after another, the last for ever)  /delay/5ms
                /poison/TEXT/400 (refuses bodies that contain TEXT)  /limit/BYTES (413 above)
                /no-gzip/415 (refuses gzip with that status)  /answer-early/413  /answer-early-rst/413
                /need/NAME/VALUE (400 unless the header is there; %2F is a slash)  /forbid/NAME (400 if it is)
    connections /rst-before-reply  /rst-after/N (bytes of the body)  /close-before-reply  /half-close
                /close-idle (answers, then closes)  /rst-idle (answers, then resets)
                /stale (serves the first request of each connection, drops the second unread)
                /stale-after-body (as /stale, but reads the body of the second)
    slowness    /stall  /stall-before-body  /slow-status  /slow-headers  /slow-body  /slow-read
                /partial-status  /partial-headers  /partial-body  /continue-stall
    excess      /endless-body  /endless-chunks  /header-bomb  /header-flood  /continue-flood  /gzip-bomb
    nonsense    /garbled  /garbled-status  /http09  /bad-length  /bad-chunk  /nul-header  /no-status  /huge-status
                /upgrade  /early-hints/202
    ledger      GET /count[/PREFIX]: JSON of what came since the last POST /reset, of that path or everything

Bodies are read as JSON or proto3, plain or gzip, whatever answer follows; the ledger counts a body only when an answer
of 2xx was written for it ("spans", "ids") or, beside that, when it came in whole ("seen").
"""
import argparse
import asyncio
import email.utils
import gzip
import json
import signal
import socket
import ssl
import struct
import sys
import time
import urllib.parse
import warnings
import zlib

import bodies

STALL = 30.0
CHUNK = 65536


class Ledger:
    """What came in, by path."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.paths = {}
        self.connections = 0
        self.garbage = 0
        self.leaks = 0

    def of(self, path):
        return self.paths.setdefault(path, {
            "requests": 0, "bodies": 0, "body_bytes": 0, "gzip": 0, "proxied": 0, "undecodable": 0,
            "seen": {}, "ids": {}})

    def summary(self, prefix):
        total = {"requests": 0, "bodies": 0, "body_bytes": 0, "gzip": 0, "proxied": 0, "undecodable": 0}
        seen, ids = {}, {}
        for path, entry in self.paths.items():
            if not path.startswith(prefix):
                continue
            for name in total:
                total[name] += entry[name]
            for source, sink in ((entry["seen"], seen), (entry["ids"], ids)):
                for span, times in source.items():
                    sink[span] = sink.get(span, 0) + times
        total["connections"] = self.connections
        total["garbage"] = self.garbage
        total["leaks"] = self.leaks
        total["seen"] = len(seen)
        total["spans"] = len(ids)
        total["span_posts"] = sum(ids.values())
        total["duplicates"] = sum(1 for times in ids.values() if times > 1)
        return total, ids


LEDGER = Ledger()


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("varint")


def proto_fields(data):
    """Yields (number, value) of one message; value is an int or bytes."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        elif kind == 2:
            length, at = read_varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError("wire type")
        if at > len(data):
            raise ValueError("truncated")
        yield key >> 3, value


def proto_ids(data):
    ids = []
    for number, span in proto_fields(data):
        if number != 1:
            raise ValueError("not a list of spans")
        fields = dict(proto_fields(span))
        ids.append(fields[1].hex().rjust(32, "0") + "-" + fields[3].hex())
    return ids


def json_ids(data):
    return [span["traceId"].rjust(32, "0") + "-" + span["id"] for span in json.loads(data)]


def decode(headers, body):
    """The body without gzip, and the ids of its spans (None if it is not a list of spans)."""
    try:
        if "gzip" in headers.get("content-encoding", ""):
            body = gzip.decompress(bytes(body))
        if "protobuf" in headers.get("content-type", ""):
            return body, proto_ids(bytes(body))
        return body, json_ids(body)
    except (ValueError, KeyError, IndexError, TypeError, OSError, EOFError, zlib.error, AttributeError):
        return body, None


def duration(text):
    for unit, scale in (("ms", 1e-3), ("us", 1e-6), ("s", 1.0)):
        if text.endswith(unit):
            return float(text[:-len(unit)]) * scale
    return float(text)


class Gone(Exception):
    """This connection is over."""


class Connection:
    """One accepted connection: reads requests, acts on each as its path says."""

    def __init__(self, reader, writer, state):
        self.reader = reader
        self.writer = writer
        self.state = state
        self.served = 0
        self.body = bytearray()
        self.length = 0
        self.unread = 0
        self.headers = {}
        self.path = ""
        LEDGER.connections += 1

    async def run(self):
        try:
            while await self.serve():
                self.served += 1
        except (Gone, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            pass
        except asyncio.LimitOverrunError:
            LEDGER.garbage += 1
        finally:
            self.writer.close()

    # -- reading --

    async def serve(self):
        try:
            first = await self.reader.readexactly(1)
            if first == b"\x16":  # someone greets in TLS
                self.note_garbage(first + await self.reader.read(CHUNK))
                await self.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return False
            head = first + await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as rest:
            if rest.partial:
                self.note_garbage(rest.partial)
            return False
        except asyncio.LimitOverrunError:
            self.note_garbage(await self.reader.read(CHUNK))
            return False
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/"):
            self.note_garbage(head)
            return False
        self.headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                self.headers[name.lower()] = value.strip()
        method, target = words[0], words[1]
        if method == "CONNECT":
            return await self.connect(target)
        proxied = target.startswith("http://")
        if proxied:
            target = "/" + target.split("/", 3)[3] if target.count("/") >= 3 else "/"
        self.path = target.split("?")[0]
        self.length = int(self.headers.get("content-length", "0"))
        self.unread = self.length
        self.body = bytearray()
        if method == "GET" and self.path.startswith("/count"):
            return await self.count()
        if self.path == "/reset":
            await self.read_body()
            LEDGER.clear()
            self.state.clear()
            return await self.reply(200)
        self.entry = LEDGER.of(self.path)
        self.entry["requests"] += 1
        self.entry["proxied"] += proxied
        parts = self.path.strip("/").split("/")
        act = getattr(self, "do_" + parts[0].replace("-", "_"), None)
        if act is None and parts[0].isdigit():
            return await self.do_status(parts)
        if act is None:
            await self.read_body()
            return await self.reply(404)
        return await act(parts[1:])

    def note_garbage(self, data):
        LEDGER.garbage += 1
        if b"traceId" in data or b"SECRET" in data:
            LEDGER.leaks += 1

    async def read_some(self, count):
        count = min(count, self.unread)
        while count > 0:
            data = await self.reader.read(min(count, CHUNK))
            if not data:
                raise Gone
            self.body += data
            self.entry["body_bytes"] += len(data)
            self.unread -= len(data)
            count -= len(data)

    async def read_body(self):
        if not hasattr(self, "entry"):
            self.entry = LEDGER.of(self.path)
        await self.read_some(self.unread)
        if self.length == 0:
            return self.body
        self.entry["bodies"] += 1
        self.entry["gzip"] += "gzip" in self.headers.get("content-encoding", "")
        bodies.keep(self.path.strip("/"), self.headers.items(), self.body)
        plain, ids = decode(self.headers, self.body)
        self.ids = ids or []
        self.entry["undecodable"] += ids is None
        for span in self.ids:
            self.entry["seen"][span] = self.entry["seen"].get(span, 0) + 1
        return plain

    # -- writing --

    async def write(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, status, extra=(), body=b""):
        """Answers; a 2xx enters the spans of the body as accepted."""
        if 200 <= status < 300 and self.unread == 0:
            self.accept()
        self.ids = []
        lines = ["HTTP/1.1 %d Scripted" % status, "Content-Length: %d" % len(body)]
        lines += extra
        await self.write("\r\n".join(lines + ["", ""]).encode("latin-1") + body)
        return not any(line.lower() == "connection: close" for line in lines)

    def accept(self):
        """Enters the spans of the body as accepted: an answer of 2xx follows."""
        for span in getattr(self, "ids", []):
            self.entry["ids"][span] = self.entry["ids"].get(span, 0) + 1
        self.ids = []

    async def raw(self, data):
        """Writes exactly this and ends the connection."""
        await self.read_body()
        await self.write(data)
        return False

    async def stall(self):
        """Holds the connection until the peer leaves, reading nothing of what it sends."""
        end = time.monotonic() + STALL
        while time.monotonic() < end and not self.reader.at_eof() and not self.writer.is_closing():
            await asyncio.sleep(0.05)
        raise Gone

    def reset(self):
        """Ends the connection with a reset instead of an end."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise Gone

    async def count(self):
        summary, ids = LEDGER.summary(self.path[len("/count"):])
        if self.headers.get("x-ids"):
            summary["ids"] = ids
        text = json.dumps(summary).encode()
        return await self.reply(200, ["Content-Type: application/json"], text)

    async def connect(self, target):
        """As a proxy asked for a tunnel: refuses, by the host's name."""
        entry = LEDGER.of("/CONNECT")
        entry["requests"] += 1
        entry["proxied"] += "authorization" in self.headers
        if target.startswith("stall"):
            await self.stall()
        if target.startswith("garbled"):
            await self.write(b"\x00\xff\xfe nonsense\r\n\r\n")
            return False
        return await self.reply(403, ["Connection: close"])

    # -- answers --

    async def do_status(self, parts):
        status = int(parts[0])
        await self.read_body()
        return await self.reply(status)

    async def do_redirect(self, parts):
        await self.read_body()
        host = self.headers.get("host", "localhost")
        return await self.reply(int(parts[0]), ["Location: http://user:SECRET@%s/202/SECRET?key=SECRET" % host])

    async def do_retry_after(self, parts):
        await self.read_body()
        return await self.reply(503, ["Retry-After: " + parts[0]])

    async def do_retry_date(self, parts):
        await self.read_body()
        date = email.utils.formatdate(time.time() + float(parts[0]), usegmt=True)
        return await self.reply(429, ["Retry-After: " + date])

    async def do_http10(self, parts):
        await self.read_body()
        self.unread = 0
        self.accept()
        await self.write(b"HTTP/1.0 202 Accepted\r\n\r\nthe end of the connection ends this")
        return False

    async def do_chunked(self, parts):
        await self.read_body()
        self.accept()
        await self.write(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n")
        return True

    async def do_flaky(self, parts):
        await self.read_body()
        steps = parts[0].split(",")
        turn = self.state.get(self.path, 0)
        self.state[self.path] = turn + 1
        step = steps[min(turn, len(steps) - 1)]
        if step == "rst":
            self.reset()
        if step == "close":
            raise Gone
        if step == "stall":
            await self.stall()
        return await self.reply(int(step))

    async def do_delay(self, parts):
        await self.read_body()
        await asyncio.sleep(duration(parts[0]))
        return await self.reply(202)

    async def do_poison(self, parts):
        plain = await self.read_body()
        is_poisoned = parts[0].encode() in plain
        return await self.reply(int(parts[1]) if is_poisoned else 202)

    async def do_limit(self, parts):
        await self.read_body()
        return await self.reply(413 if self.length > int(parts[0]) else 202)

    async def do_no_gzip(self, parts):
        await self.read_body()
        is_gzip = "gzip" in self.headers.get("content-encoding", "")
        return await self.reply(int(parts[0]) if is_gzip else 202)

    async def do_answer_early(self, parts):
        """The whole answer before the body, which is then read to its end."""
        status = int(parts[0])
        await self.write(b"HTTP/1.1 %d Early\r\nContent-Length: 0\r\n\r\n" % status)
        await self.read_body()
        return True

    async def do_answer_early_rst(self, parts):
        await self.read_some(10)
        await self.write(b"HTTP/1.1 %d Early\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % int(parts[0]))
        await asyncio.sleep(0.05)
        self.reset()

    async def do_need(self, parts):
        await self.read_body()
        value = urllib.parse.unquote(parts[1])
        return await self.reply(202 if self.headers.get(parts[0].lower()) == value else 400)

    async def do_forbid(self, parts):
        await self.read_body()
        return await self.reply(400 if parts[0].lower() in self.headers else 202)

    # -- connections --

    async def do_rst_before_reply(self, parts):
        await self.read_body()
        self.reset()

    async def do_rst_after(self, parts):
        await self.read_some(int(parts[0]))
        self.reset()

    async def do_close_before_reply(self, parts):
        await self.read_body()
        return False

    async def do_half_close(self, parts):
        """No more will come, but all of the body is read."""
        self.writer.write_eof()
        await self.read_body()
        await asyncio.sleep(0.05)
        return False

    async def do_close_idle(self, parts):
        await self.read_body()
        await self.reply(202)
        return False

    async def do_rst_idle(self, parts):
        await self.read_body()
        await self.reply(202)
        await asyncio.sleep(0.02)
        self.reset()

    async def do_stale(self, parts):
        if self.served > 0:
            self.reset()
        await self.read_body()
        return await self.reply(202)

    async def do_stale_after_body(self, parts):
        await self.read_body()
        return self.served == 0 and await self.reply(202)

    # -- slowness --

    async def do_stall(self, parts):
        await self.read_body()
        await self.stall()

    async def do_stall_before_body(self, parts):
        await self.stall()

    async def drip(self, data, pause=0.1):
        for byte in data:
            await self.write(bytes([byte]))
            await asyncio.sleep(pause)

    async def do_slow_status(self, parts):
        await self.read_body()
        await self.drip(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 0.5)
        return False

    async def do_slow_headers(self, parts):
        await self.read_body()
        await self.write(b"HTTP/1.1 202 Accepted\r\n")
        while True:
            await self.drip(b"X-Slow: 1\r\n", 0.2)

    async def do_slow_body(self, parts):
        await self.read_body()
        self.accept()
        await self.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n")
        await self.drip(b"." * 1000, 0.1)
        return False

    async def do_slow_read(self, parts):
        while self.unread > 0:
            await self.read_some(1024)
            await asyncio.sleep(0.05)
        await self.read_body()
        return await self.reply(202)

    async def do_slow_loris(self, parts):
        return await self.do_slow_headers(parts)

    async def do_partial_status(self, parts):
        return await self.raw(b"HTTP/1.1 20")

    async def do_partial_headers(self, parts):
        return await self.raw(b"HTTP/1.1 202 Accepted\r\nContent-Le")

    async def do_partial_body(self, parts):
        status = int((parts + ["202"])[0])
        await self.read_body()
        if 200 <= status < 300:
            self.accept()
        return await self.raw(b"HTTP/1.1 %d X\r\nContent-Length: 100\r\n\r\nten bytes." % status)

    async def do_continue_stall(self, parts):
        """Never says Continue: whoever asks for it waits."""
        if "expect" in self.headers:
            await self.stall()
        await self.read_body()
        return await self.reply(202)

    # -- excess --

    async def do_endless_body(self, parts):
        await self.read_body()
        status = int((parts + ["202"])[0])
        if 200 <= status < 300:
            self.accept()
        await self.write(b"HTTP/1.1 %d X\r\n\r\n" % status)
        while True:
            await self.write(b"x" * CHUNK)

    async def do_endless_chunks(self, parts):
        await self.read_body()
        self.accept()
        await self.write(b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await self.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    async def do_header_bomb(self, parts):
        """One header line without end."""
        await self.read_body()
        await self.write(b"HTTP/1.1 202 X\r\nX-Bomb: ")
        while True:
            await self.write(b"x" * CHUNK)

    async def do_header_flood(self, parts):
        """Header lines without end."""
        await self.read_body()
        await self.write(b"HTTP/1.1 202 X\r\n")
        while True:
            await self.write(b"X-Flood: 1\r\nSet-Cookie: a=b\r\n" * 100)

    async def do_continue_flood(self, parts):
        await self.read_body()
        while True:
            await self.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    async def do_gzip_bomb(self, parts):
        await self.read_body()
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = packer.compress(b"\0" * (32 << 20)) + packer.flush()
        return await self.reply(202, ["Content-Encoding: gzip"], bomb)

    # -- nonsense --

    async def do_garbled(self, parts):
        return await self.raw(b"\x16\x03\x01\x00\xff\xfeSMTP ready\r\n\r\n" * 20)

    async def do_garbled_status(self, parts):
        return await self.raw(b"HTTP/1.1 abc Fine\r\nContent-Length: 0\r\n\r\n")

    async def do_http09(self, parts):
        return await self.raw(b"<html>accepted</html>")

    async def do_bad_length(self, parts):
        return await self.raw(b"HTTP/1.1 202 X\r\nContent-Length: -5\r\n\r\n")

    async def do_bad_chunk(self, parts):
        return await self.raw(b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")

    async def do_nul_header(self, parts):
        return await self.raw(b"HTTP/1.1 202 X\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n")

    async def do_no_status(self, parts):
        return await self.raw(b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n")

    async def do_huge_status(self, parts):
        return await self.raw(b"HTTP/1.1 99999999999999999999 X\r\nContent-Length: 0\r\n\r\n")

    async def do_upgrade(self, parts):
        return await self.raw(b"HTTP/1.1 101 Switching\r\nUpgrade: nothing\r\nConnection: Upgrade\r\n\r\n")

    async def do_early_hints(self, parts):
        await self.read_body()
        await self.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        return await self.reply(int(parts[0]))


def tls_context(certificate, key, maximum="any"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if maximum == "anonymous":
        context.set_ciphers("aNULL:@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context
    if maximum != "any":
        # The libraries' own policy refuses old protocols and short keys; here it must serve them.
        context.set_ciphers("ALL:@SECLEVEL=0")
    if maximum.startswith("TLS"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = getattr(ssl.TLSVersion, maximum.replace(".", "_"))
            context.minimum_version = version
            context.maximum_version = version
    context.load_cert_chain(certificate, key)
    return context


async def serve_old_tls(reader, writer, context):
    """A TLS peer that says why it ends a handshake; whatever comes after one is a leak."""
    LEDGER.connections += 1
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    is_open = True
    is_shaken = False
    try:
        while is_open:
            try:
                if not is_shaken:
                    session.do_handshake()
                    is_shaken = True
                LEDGER.leaks += len(session.read(CHUNK)) > 0
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                is_open = False
            writer.write(outgoing.read())
            await writer.drain()
            data = await reader.read(CHUNK) if is_open else b""
            is_open = bool(data)
            incoming.write(data)
    except ConnectionError:
        pass
    writer.close()


async def main():
    parser = argparse.ArgumentParser(description="A collector that misbehaves on request.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--also-tls", nargs=3, action="append", default=[], metavar=("CERT", "KEY", "MAXIMUM"))
    options = parser.parse_args()
    state = {}

    async def accept(reader, writer):
        await Connection(reader, writer, state).run()

    async def listen(port, mode, certificate=None, key=None):
        async def accept_old(reader, writer):
            await serve_old_tls(reader, writer, tls_context(certificate, key, mode))

        # asyncio's own TLS leaves without an alert when a handshake fails.
        is_old = mode in ("TLSv1", "TLSv1.1", "anonymous")
        context = None if is_old or mode == "plain" else tls_context(certificate, key, mode)
        server = await asyncio.start_server(
            accept_old if is_old else accept, "127.0.0.1", port, ssl=context, limit=1 << 20, backlog=512)
        print("PORT", server.sockets[0].getsockname()[1], flush=True)
        return server

    # Kept in a list: a server that nobody refers to may be collected.
    servers = [await listen(options.port, "any" if options.tls else "plain", *(options.tls or ()))]
    for certificate, key, mode in options.also_tls:
        servers.append(await listen(0, mode, certificate, key))

    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, done.set)
    loop.add_signal_handler(signal.SIGINT, done.set)
    loop.set_exception_handler(lambda loop, context: None)  # broken handshakes are the point here
    try:
        end_of_input = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(end_of_input), sys.stdin)
        watcher = loop.create_task(end_of_input.read())
        watcher.add_done_callback(lambda task: done.set())
    except (ValueError, OSError):
        pass  # standard input is a file: only the signal ends it
    await done.wait()


if __name__ == "__main__":
    asyncio.run(main())
