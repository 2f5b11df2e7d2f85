# SPDX-License-Identifier: MIT
"""Begins a TLS handshake, and ends it only when told to; then makes a request.

Usage: halting_handshake.py PORT BYTES [kept]. Says `begun` when so many bytes of the first message are out, and waits
for a line on stdin; prints the head of the answer. With `kept` it is a second request that halts so.
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


def send_halting(message):
    connection.sendall(message[:beginning])
    print("begun", flush=True)
    if not select.select([sys.stdin], [], [], 30)[0]:
        sys.exit("no line on stdin")
    connection.sendall(message[beginning:])


def read_answer():
    """Ping is answered with a line."""
    answer = b""
    while b"\r\n\r\n" not in answer or not answer.endswith(b"\n"):
        answer += go_on(tls.read, 16384)
    return answer


request = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
if sys.argv[3:] == ["kept"]:
    go_on(tls.do_handshake)
    connection.sendall(outgoing.read())
    tls.write(request)
    connection.sendall(outgoing.read())
    read_answer()
    tls.write(request)
    send_halting(outgoing.read())
else:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        send_halting(outgoing.read())
    go_on(tls.do_handshake)
    tls.write(request)
answer = read_answer()
print(answer.partition(b"\r\n\r\n")[0].decode())
