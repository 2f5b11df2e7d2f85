# SPDX-License-Identifier: MIT
"""What servers that call accept() themselves have in common: one answer on each connection."""

import os

with open("version", encoding="ascii") as file:
    VERSION = file.read().strip()


def answer(connection):
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536) or b"\r\n\r\n"
        body = f"pong {VERSION} {os.getpid()}\n"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        connection.sendall(f"{head}X-Pid: {os.getpid()}\r\nX-Version: {VERSION}\r\n\r\n{body}".encode())
