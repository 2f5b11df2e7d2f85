# SPDX-License-Identifier: MIT
"""A Python server with a metrics port, which answers at once, and a port that it opens when the file `gate` is in
the working directory.

Usage: python_late.py PORT METRICS, with the version in the file `version` of the working directory.
"""

import http.server
import os
import sys
import threading
import time

with open("version", encoding="ascii") as version_file:
    VERSION = version_file.read().strip()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"pong {VERSION} {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.send_header("X-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def serve(port):
    Server(("127.0.0.1", int(port)), Handler).serve_forever()


threading.Thread(target=serve, args=(sys.argv[2],), daemon=True).start()
while not os.path.exists("gate"):
    time.sleep(0.005)
serve(sys.argv[1])
