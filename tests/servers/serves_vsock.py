# SPDX-License-Identifier: MIT
"""Serves vsock and TCP.

Usage: serves_vsock.py PORT: the same port in both.
"""

import os
import socket
import sys
import threading

with open("version", encoding="ascii") as file:
    version = file.read().strip()
port = int(sys.argv[1])


def serve(listener):
    while True:
        with listener.accept()[0] as connection:
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536) or b"\r\n\r\n"
            body = f"pong {version} {os.getpid()}\n"
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            connection.sendall(f"{head}X-Pid: {os.getpid()}\r\nX-Version: {version}\r\n\r\n{body}".encode())


machine = socket.socket(socket.AF_VSOCK)
machine.bind((socket.VMADDR_CID_ANY, port))
machine.listen(64)
internet = socket.socket()
internet.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
internet.bind(("127.0.0.1", port))
internet.listen(64)
threading.Thread(target=serve, args=(machine,), daemon=True).start()
serve(internet)
