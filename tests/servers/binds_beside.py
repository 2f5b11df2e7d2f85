# SPDX-License-Identifier: MIT
"""Binds where a bind beside another listener succeeds.

Usage: binds_beside.py WAY PORT FILE: WAY is reuseport, at PORT, or any, at a port that the kernel chooses. Writes
the port into FILE.
"""

import os
import socket
import sys

with open("version", encoding="ascii") as file:
    version = file.read().strip()
listener = socket.socket()
if sys.argv[1] == "reuseport":
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind(("127.0.0.1", int(sys.argv[2]) if sys.argv[1] == "reuseport" else 0))
listener.listen(64)
with open(sys.argv[3] + ".new", "w", encoding="ascii") as file:
    file.write(f"{listener.getsockname()[1]}\n")
os.rename(sys.argv[3] + ".new", sys.argv[3])
while True:
    with listener.accept()[0] as connection:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536) or b"\r\n\r\n"
        body = f"pong {version} {os.getpid()}\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        connection.sendall(f"{head}X-Pid: {os.getpid()}\r\nX-Version: {version}\r\n\r\n{body}".encode())
