# SPDX-License-Identifier: MIT
"""A master without a listener: it forks workers, and each binds and listens for itself. Otherwise as python_http.py.

Usage: apart.py PORT WORKERS HABIT...: HABIT is plain (the master leaves TERM to its default), gentle (at TERM it
sends TERM to its workers, and waits for them), renews (a worker that ends is replaced), bound (the master binds,
and the workers listen on that socket), places (each worker has a port of its own, and no SO_REUSEPORT: PORT, and
those after it), or other (a worker gives up root before it listens).
"""

import http.server
import os
import signal
import socket
import sys

PORT, WORKERS, HABITS = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
workers = set()
is_ending = False


class PongHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        version = open("version", encoding="ascii").read().strip()
        body = f"pong {version} {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", version)
        self.send_header("X-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def server_bind(self):
        if "places" not in HABITS:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


def work(number):
    if "other" in HABITS:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    server = Server(("127.0.0.1", PORT + (number if "places" in HABITS else 0)), PongHandler, "bound" not in HABITS)
    if "bound" in HABITS:
        server.socket.close()
        server.socket = bound
        server.server_activate()
    server.serve_forever()


def start(number):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        work(number)
    workers.add(pid)


def end(*_):
    global is_ending
    is_ending = True
    for pid in workers:
        os.kill(pid, signal.SIGTERM)


if "bound" in HABITS:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", PORT))
if "gentle" in HABITS:
    signal.signal(signal.SIGTERM, end)
for i in range(WORKERS):
    start(i)
while workers:
    ended, _ = os.wait()
    workers.discard(ended)
    if "renews" in HABITS and not is_ending:
        start(0)
