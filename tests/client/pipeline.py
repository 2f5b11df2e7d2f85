# SPDX-License-Identifier: MIT
"""Sends many commands down one connection, and checks every reply.

Usage: pipeline.py MODE redis|memcached COUNT PORT-OR-PATH
    stalled   all commands at once; having seen a tenth of the replies it reads no further until a
              line comes on stdin
    paced     a hundred at a time, 5 ms apart
Says `under way` at that tenth and `replied N` at the end; fails unless N is COUNT.
"""

import select
import socket
import sys
import threading
import time

FILLER = "x" * 1000


class Redis:
    hello = b""
    hello_reply = b""

    def command(self, number):
        return f"ECHO {number}-{FILLER}\r\n".encode()

    def reply(self, number):
        text = f"{number}-{FILLER}"
        return f"${len(text)}\r\n{text}\r\n".encode()


class Memcached:
    hello = f"set key 0 0 {len(FILLER)}\r\n{FILLER}\r\n".encode()
    hello_reply = b"STORED\r\n"

    def command(self, number):
        return f"mg key v O{number}\r\n".encode()

    def reply(self, number):
        return f"VA {len(FILLER)} O{number}\r\n{FILLER}\r\n".encode()


def connect(place):
    if place.startswith("/"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(place)
        return connection
    return socket.create_connection(("127.0.0.1", int(place)), timeout=60)


def wait_for_line():
    if not select.select([sys.stdin], [], [], 30)[0]:
        sys.exit("no line on stdin")
    sys.stdin.readline()


class Pipeline:
    def __init__(self, mode, protocol, count, place):
        self.is_stalled = mode == "stalled"
        self.protocol = {"redis": Redis, "memcached": Memcached}[protocol]()
        self.count = count
        self.connection = connect(place)
        self.connection.settimeout(60)
        self.replies = self.connection.makefile("rb")
        self.replied = 0

    def expect(self, wanted):
        got = self.replies.read(len(wanted))
        if got != wanted:
            print(f"replied {self.replied}")
            sys.exit(f"reply {self.replied}: got {got[:60]!r} ({len(got)} bytes), expected {wanted[:60]!r}")

    def read_replies(self, end):
        while self.replied < end:
            self.expect(self.protocol.reply(self.replied))
            self.replied += 1

    def send(self, begin, end):
        self.connection.sendall(b"".join(map(self.protocol.command, range(begin, end))))

    def run_stalled(self):
        sender = threading.Thread(target=self.send, args=(0, self.count), daemon=True)
        sender.start()
        self.read_replies(self.count // 10)
        print("under way", flush=True)
        wait_for_line()
        self.read_replies(self.count)

    def run_paced(self):
        for begin in range(0, self.count, 100):
            self.send(begin, begin + 100)
            self.read_replies(begin + 100)
            if begin == self.count // 10:
                print("under way", flush=True)
            time.sleep(0.005)

    def run(self):
        self.connection.sendall(self.protocol.hello)
        self.expect(self.protocol.hello_reply)
        if self.is_stalled:
            self.run_stalled()
        else:
            self.run_paced()
        print(f"replied {self.replied}")


try:
    Pipeline(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]).run()
except OSError as error:
    sys.exit(f"pipeline: {error}")
