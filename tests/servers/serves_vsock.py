# SPDX-License-Identifier: MIT
"""Serves vsock and TCP.

Usage: serves_vsock.py PORT: the same port in both.
"""

import socket
import sys
import threading

import pong

port = int(sys.argv[1])


def serve(listener):
    while True:
        pong.answer(listener.accept()[0])


machine = socket.socket(socket.AF_VSOCK)
machine.bind((socket.VMADDR_CID_ANY, port))
machine.listen(64)
internet = socket.socket()
internet.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
internet.bind(("127.0.0.1", port))
internet.listen(64)
threading.Thread(target=serve, args=(machine,), daemon=True).start()
serve(internet)
