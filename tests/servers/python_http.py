# SPDX-License-Identifier: MIT
"""A plain http.server: one thread, one connection at a time, its default backlog of 5.

Usage: python_http.py PORT, with the version in the file `version` of the working directory.
/slow?ms=N answers after N ms.
"""

import http.server
import os
import sys
import time
import urllib.parse

with open("version", encoding="ascii") as version_file:
    VERSION = version_file.read().strip()


class PongHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/slow":
            query = urllib.parse.parse_qs(url.query)
            time.sleep(int(query.get("ms", ["1000"])[0]) / 1000)
        body = f"pong {VERSION} {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.send_header("X-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), PongHandler).serve_forever()
