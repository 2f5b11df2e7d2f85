# SPDX-License-Identifier: MIT
"""A server that can bind although another one has its port; otherwise as python_http.py.

Usage: binds_anyhow.py PORT WAY: WAY is reuseport (it binds beside the other one) or any (to port 0).
"""

import http.server
import os
import socket
import sys


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


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        if sys.argv[2] == "reuseport":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


server = Server(("127.0.0.1", int(sys.argv[1]) if sys.argv[2] == "reuseport" else 0), PongHandler)
print(f"ready {server.server_address[1]} {os.getpid()}", flush=True)
server.serve_forever()
