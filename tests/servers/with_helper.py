# SPDX-License-Identifier: MIT
"""Starts a helper that listens, too (a metrics exporter, epmd), and is a program of its own; otherwise as python_http.py.

Usage: with_helper.py PORT HELPER_PORT FILE WHEN [SETTING=VALUE...]: WHEN is before (the server listens) or after.
The helper has these settings in its environment, and appends `PID PORT` to FILE when it listens. HELPER_PORT may
be 0.
"""

import http.server
import os
import subprocess
import sys
import threading
import time


class PongHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"pong {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def count_lines(name):
    try:
        with open(name, encoding="ascii") as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0


def be_helper(port, name):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), PongHandler)
    with open(name, "a", encoding="ascii") as file:
        file.write(f"{os.getpid()} {server.server_address[1]}\n")
    server.serve_forever()


def start_helper(port, name, settings):
    before = count_lines(name)
    environment = dict(os.environ, **dict(setting.split("=", 1) for setting in settings))
    helper = subprocess.Popen([sys.executable, __file__, "helper", port, name], env=environment)
    while count_lines(name) == before and helper.poll() is None:
        time.sleep(0.01)


if sys.argv[1] == "helper":
    be_helper(int(sys.argv[2]), sys.argv[3])
helper_port, file_name, when = sys.argv[2:5]
if when == "before":
    start_helper(helper_port, file_name, sys.argv[5:])
main = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), PongHandler)
if when == "after":
    threading.Thread(target=start_helper, args=(helper_port, file_name, sys.argv[5:])).start()
main.serve_forever()
