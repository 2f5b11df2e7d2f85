# SPDX-License-Identifier: MIT
"""Sends content that looks like HTTP, and wants it back as it is. Says `begun` before a drain, waits for a line on
stdin, goes on in the drain, and says what was wrong.

Usage: lookalikes.py PORT echoed|early|stored SIZE
    echoed  the heads of four requests with a field of SIZE bytes; in the drain their bodies, in parts, to a server
            that gives back what it was sent (POST /echo)
    early   a request that is answered before its body is read (POST /early), and half of its body; in the drain the
            rest, and a request for what is stored (GET /blob)
    stored  a request for what is stored, written in two pieces (GET /halves), the first of which is out, and another
            one; in the drain a third
"""

import re
import select
import socket
import sys

PORT, MODE, SIZE = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
PLAIN = b"GET /blob HTTP/1.1\r\nHost: localhost\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
START = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n" + b"P" * 40
BODIES = [
    [START, b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"],
    [START, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.0\r\n\r\n"],
    [b"GET / HTTP/1.1\r\n\r\n", START],
]


class Connection:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""

    def send(self, data):
        self.socket.sendall(data)

    def read_answer(self):
        """The content of the next answer, by its Content-Length."""
        while b"\r\n\r\n" not in self.got:
            self.receive()
        head, _, self.got = self.got.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
        while len(self.got) < length:
            self.receive()
        content, self.got = self.got[:length], self.got[length:]
        return content

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            sys.exit(f"ended after {self.got!r}")
        self.got += data


def pause():
    """The server has read what was sent, and not together with what follows."""
    select.select([], [], [], 0.3)


def wait_for_drain():
    pause()
    print("begun", flush=True)
    if not select.select([sys.stdin], [], [], 60)[0]:
        sys.exit("no line on stdin")


def check(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got!r} instead of {wanted!r}")


def echoed():
    connections = [Connection() for _ in BODIES]
    for connection, parts in zip(connections, BODIES):
        length = sum(map(len, parts))
        connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\nContent-Length: %d\r\n\r\n"
                        % (b"c" * SIZE, length))
    wait_for_drain()
    for turn in range(3):
        for connection, parts in zip(connections, BODIES):
            if turn < len(parts):
                connection.send(parts[turn])
        pause()
    for connection, parts in zip(connections, BODIES):
        check("echo", connection.read_answer(), b"".join(parts))


def early():
    connection = Connection()
    first = b"HEAD / HTTP/1.1\r\n\r\n"
    rest = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(PLAIN)
    connection.send(b"POST /early HTTP/1.1\r\nHost: localhost\r\nX: %s\r\nContent-Length: %d\r\n\r\n"
                    % (b"x" * SIZE, len(first) + len(rest)))
    check("answer before the body", connection.read_answer()[:4], b"pong")
    connection.send(first)
    wait_for_drain()
    connection.send(rest)
    pause()
    connection.send(PLAIN)
    check("what is stored", connection.read_answer(), EMPTY * 3)


def stored():
    connection = Connection()
    connection.send(b"GET /halves?ms=4000 HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"x" * SIZE))
    pause()
    connection.send(PLAIN)
    wait_for_drain()
    check("two halves", connection.read_answer(), EMPTY * 3)
    check("what is stored", connection.read_answer(), EMPTY * 3)


{"echoed": echoed, "early": early, "stored": stored}[MODE]()
