# SPDX-License-Identifier: MIT
"""Begins a TLS handshake, and ends it only when told to; then makes a request.

Usage: halting_handshake.py PORT BYTES. Says `begun` when so many bytes of the first message are out, and waits
for a line on stdin; prints the head of the answer.
"""

import select
import socket
import ssl
import sys

beginning = int(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing)
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def go_on(call, *arguments):
    """Calls until it needs no more bytes from the server."""
    while True:
        try:
            return call(*arguments)
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            received = connection.recv(16384)
            if not received:
                sys.exit("ended by the server")
            incoming.write(received)


try:
    tls.do_handshake()
except ssl.SSLWantReadError:
    hello = outgoing.read()
connection.sendall(hello[:beginning])
print("begun", flush=True)
if not select.select([sys.stdin], [], [], 30)[0]:
    sys.exit("no line on stdin")
connection.sendall(hello[beginning:])
go_on(tls.do_handshake)
tls.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
answer = b""
while b"\r\n\r\n" not in answer:
    answer += go_on(tls.read, 16384)
print(answer.partition(b"\r\n\r\n")[0].decode())
