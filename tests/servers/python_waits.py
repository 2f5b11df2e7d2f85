# SPDX-License-Identifier: MIT
"""Waits for a connection in accept(), and for what comes on it in select(), as php-fpm does with poll(). Like that one it
takes ECONNABORTED for a client that has gone, and tells how often it was: argument: the port."""
import os
import select
import socket
import sys

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(128)
aborted = 0
while True:
    try:
        connection = listener.accept()[0]
    except ConnectionAbortedError:
        aborted += 1
        continue
    select.select([connection], [], [])
    connection.recv(4096)
    body = b"pong\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nX-Pid: {os.getpid()}\r\nX-Version: v\r\nX-Aborted: {aborted}\r\n"
    connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
    connection.close()
