# SPDX-License-Identifier: MIT
"""Starts helpers before it listens, as some servers do; otherwise as python_http.py.

Usage: helped.py PORT FILE WAY...: one helper in each way, whose pids it writes into FILE with its own before
them. A helper ends when the file FILE.end is there. WAY is fork (no exec), exec, vfork (as subprocess does
it), spawn (posix_spawn), shell (system), and other (another user, without groups).
"""

import http.server
import os
import subprocess
import sys
import time

PORT, FILE = int(sys.argv[1]), sys.argv[2]
WAIT = ["/bin/sh", "-c", 'echo $$ >>"$0.new"; until [ -e "$0.end" ]; do sleep 0.1; done', FILE]


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


def wait_here():
    with open(FILE + ".new", "a", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
    while not os.path.exists(FILE + ".end"):
        time.sleep(0.1)
    os._exit(0)


def start(way):
    if way in ("fork", "exec"):
        if os.fork() == 0:
            if way == "fork":
                wait_here()
            os.execv(WAIT[0], WAIT)
    elif way == "vfork":
        subprocess.Popen(WAIT, close_fds=True)
    elif way == "spawn":
        os.posix_spawn(WAIT[0], WAIT, os.environ)
    elif way == "shell":
        os.system(f"setsid {WAIT[0]} -c '{WAIT[2]}' {FILE} &")
    else:
        subprocess.Popen(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *WAIT], close_fds=True)


def count_lines(name):
    with open(name, encoding="ascii") as file:
        return len(file.readlines())


with open(FILE + ".new", "w", encoding="ascii") as file:
    file.write(f"{os.getpid()}\n")
os.chmod(FILE + ".new", 0o666)
for number, way in enumerate(sys.argv[3:]):
    start(way)
    while count_lines(FILE + ".new") < number + 2:
        time.sleep(0.01)
os.rename(FILE + ".new", FILE)
http.server.HTTPServer(("127.0.0.1", PORT), PongHandler).serve_forever()
