# SPDX-License-Identifier: MIT
"""Binds where a bind beside another listener succeeds.

Usage: binds_beside.py WAY PORT FILE: WAY is reuseport, at PORT, or any, at a port that the kernel chooses. Writes
the port into FILE.
"""

import os
import socket
import sys

import pong

listener = socket.socket()
if sys.argv[1] == "reuseport":
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind(("127.0.0.1", int(sys.argv[2]) if sys.argv[1] == "reuseport" else 0))
listener.listen(64)
with open(sys.argv[3] + ".new", "w", encoding="ascii") as file:
    file.write(f"{listener.getsockname()[1]}\n")
os.rename(sys.argv[3] + ".new", sys.argv[3])
while True:
    pong.answer(listener.accept()[0])
