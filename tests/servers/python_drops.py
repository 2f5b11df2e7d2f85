# SPDX-License-Identifier: MIT
"""Gives up root after it has begun to listen, as most servers do; otherwise as python_http.py.

Usage: python_drops.py PORT FILE: becomes nobody when FILE is there, and says so on stdout.
"""

import http.server
import os
import sys
import time


class PongHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"pong\n")

    def log_message(self, format, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), PongHandler)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
server.serve_forever()
