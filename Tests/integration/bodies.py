# SPDX-License-Identifier: Apache-2.0
"""bodies.py - keeps request bodies as they came, in the folder DIVAK_KEEP_BODIES, for a decoder to judge at the end.

    bodies.keep("exec-the_exit_status", self.headers.items(), body)

Writes FOLDER/NAME-PID-NUMBER.body, and .headers beside it with one line a header; nothing when the variable is not set.
Servers call it for each body that came in whole, whatever they answer: one that was cut says nothing of who sent it. So
many bytes a process at the most; what is more is counted in FOLDER/NAME-PID-000000.skipped. collector_keep.c writes the
same files.
"""
import os
import re
import threading

FOLDER = os.environ.get("DIVAK_KEEP_BODIES")
BYTES = 384 << 20

lock = threading.Lock()
number = size = skipped = 0


def write(name, ending, data):
    """The name comes last: the server may be killed at any time."""
    with open(name + ".part", "wb") as file:
        file.write(data)
    os.replace(name + ".part", name + ending)


def keep(name, headers, body):
    global number, size, skipped
    if not FOLDER or not body:
        return
    name = os.path.join(FOLDER, "%s-%d-" % (re.sub("[^A-Za-z0-9_,.-]+", "_", name)[:150], os.getpid()))
    with lock:
        if size + len(body) > BYTES:
            skipped += 1
            write(name + "000000", ".skipped", b"%d\n" % skipped)
            return
        size += len(body)
        number += 1
        name += "%06d" % number
    write(name, ".headers", "".join("%s: %s\n" % one for one in headers).encode("latin-1"))
    write(name, ".body", bytes(body))
