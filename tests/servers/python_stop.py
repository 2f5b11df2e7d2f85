# SPDX-License-Identifier: MIT
"""An http.server with a stop of its own. Usage: python_stop.py PORT MODE.

MODE says what it does about TERM and QUIT: `leave` exits with 7, `stay` goes on, `ignore` ignores them.
The first two say `got NUMBER`. /leave makes it exit with 8, of its own accord.
"""

import http.server
import os
import signal
import sys

MODE = sys.argv[2]


def on_signal(number, _):
    print(f"got {number}", flush=True)
    if MODE == "leave":
        sys.exit(7)


class PongHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/leave":
            os.kill(os.getpid(), signal.SIGALRM)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"pong\n")

    def log_message(self, format, *args):
        pass


signal.signal(signal.SIGALRM, lambda number, _: sys.exit(8))
for stop in signal.SIGTERM, signal.SIGQUIT:
    signal.signal(stop, signal.SIG_IGN if MODE == "ignore" else on_signal)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), PongHandler).serve_forever()
