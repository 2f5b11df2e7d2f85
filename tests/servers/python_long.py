# SPDX-License-Identifier: MIT
"""An http.server that speaks HTTP/1.1, with a thread per connection, and answers that take long.

Usage: python_long.py PORT, with the version in the file `version` of the working directory.
    /ping
    /slow?ms=N          answers after N ms
    /blob               the file `blob`
    /chunks?n=N&ms=M    N numbered lines, chunked, M ms before each
    /events?ms=M        events without end, M ms before each; only the end of the connection ends them
    /tunnel             switches to a protocol that sends back what it gets
    /unmodified         says 304
    PUT /upload         tells length and sha256 of what was sent
    POST /echo          sends back what was sent
"""

import hashlib
import http.server
import os
import sys
import time
import urllib.parse

with open("version", encoding="ascii") as version_file:
    VERSION = version_file.read().strip()


class LongHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def query_number(self, name):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        return int(query.get(name, ["1000"])[0])

    def begin(self, status, **headers):
        self.send_response(status)
        self.send_header("X-Version", VERSION)
        self.send_header("X-Pid", str(os.getpid()))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def answer(self, body):
        self.begin(200, Content_Type="text/plain", Content_Length=len(body))
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_pong(self):
        self.answer(f"pong {VERSION} {os.getpid()}\n".encode())

    def answer_slow(self):
        time.sleep(self.query_number("ms") / 1000)
        self.answer_pong()

    def answer_blob(self):
        with open("blob", "rb") as blob:
            self.begin(200, Content_Length=os.fstat(blob.fileno()).st_size)
            while self.command != "HEAD" and (block := blob.read(65536)):
                self.wfile.write(block)

    def answer_chunks(self):
        self.begin(200, Transfer_Encoding="chunked")
        for number in range(self.query_number("n")):
            time.sleep(self.query_number("ms") / 1000)
            line = f"chunk {number}\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def answer_events(self):
        self.close_connection = True
        self.begin(200, Content_Type="text/event-stream")
        while True:
            self.wfile.write(b"data: tick\n\n")
            time.sleep(self.query_number("ms") / 1000)

    def answer_tunnel(self):
        self.close_connection = True
        self.begin(101, Upgrade="echo", Connection="Upgrade")
        while line := self.rfile.readline():
            self.wfile.write(line)

    def answer_unmodified(self):
        self.begin(304)

    def do_GET(self):
        name = urllib.parse.urlsplit(self.path).path.strip("/")
        getattr(self, "answer_" + name, self.answer_pong)()

    do_HEAD = do_GET

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(f"{len(body)} {hashlib.sha256(body).hexdigest()}\n".encode())

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, format, *args):
        pass


class LongServer(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that leaves in the middle is none."""


LongServer(("127.0.0.1", int(sys.argv[1])), LongHandler).serve_forever()
