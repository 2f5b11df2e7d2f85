# SPDX-License-Identifier: MIT
"""Makes the same requests twice over connections that are kept in between, and leaves the answers as
they came: in DIRECTORY/NAME.first and DIRECTORY/NAME.second.

Usage: exchanges.py URL DIRECTORY NAME REQUEST-LINE [NAME REQUEST-LINE]...
URL is http://127.0.0.1:PORT or https://127.0.0.1:PORT. REQUEST-LINE is such as 'GET /path' or 'GET /path|Header: value|Header: value'. Says `kept N` after the
first round, whose answers must not announce an end, and waits for a line on stdin; says `answered N`
at the end.
"""

import select
import socket
import ssl
import sys


def connect(url):
    scheme, _, place = url.partition("://")
    connection = socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])), timeout=60)
    if scheme == "http":
        return connection
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection)


class Exchange:
    def __init__(self, url, name, request):
        self.name = name
        line, *headers = request.split("|")
        self.method = line.split()[0]
        self.request = "\r\n".join([line + " HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()
        self.connection = connect(url)
        self.bytes = self.connection.makefile("rb")

    def read_chunks(self):
        raw = b""
        while True:
            size = self.bytes.readline()
            raw += size + self.bytes.read(int(size, 16) + 2)
            if int(size, 16) == 0:
                return raw

    def read_head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.bytes.readline()
            if not line:
                raise EOFError(f"{self.name}: ended after {head!r}")
            head += line
        return head

    def exchange(self):
        self.connection.sendall(self.request)
        head = self.read_head()
        fields = {}
        for line in head.decode().split("\r\n")[1:-2]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip().lower()
        status = int(head.split()[1])
        body = b""
        if self.method != "HEAD" and status not in (204, 304):
            if fields.get("transfer-encoding") == "chunked":
                body = self.read_chunks()
            else:
                length = int(fields["content-length"])
                body = self.bytes.read(length)
                if len(body) != length:
                    raise EOFError(f"{self.name}: {len(body)} bytes of {length}")
        self.is_kept = fields.get("connection", "keep-alive") != "close"
        return head + body


def write(directory, name, answer):
    with open(f"{directory}/{name}", "wb") as file:
        file.write(answer)


def main(url, directory, *requests):
    exchanges = [Exchange(url, *pair) for pair in zip(requests[::2], requests[1::2])]
    for exchange in exchanges:
        write(directory, exchange.name + ".first", exchange.exchange())
        if not exchange.is_kept:
            sys.exit(f"{exchange.name}: is not kept")
    print(f"kept {len(exchanges)}", flush=True)
    if not select.select([sys.stdin], [], [], 30)[0]:
        sys.exit("no line on stdin")
    for exchange in exchanges:
        write(directory, exchange.name + ".second", exchange.exchange())
    print(f"answered {len(exchanges)}")


try:
    main(*sys.argv[1:])
except (EOFError, OSError) as error:
    sys.exit(f"exchanges: {error}")
