# SPDX-License-Identifier: MIT
"""Serves a listener that it was started with. It calls neither bind() nor listen().

Usage: accepts_only.py NUMBER WAY: the listener is descriptor NUMBER. WAY is accept (blocks there), poll, or
worker: a child that is executed anew accepts, and this process only waits for it.
"""

import select
import signal
import socket
import subprocess
import sys

import pong

number, way = int(sys.argv[1]), sys.argv[2]
listener = socket.socket(fileno=number)
if way == "worker":
    listener.listen(128)
    child = subprocess.Popen([sys.executable, sys.argv[0], str(number), "accept"], pass_fds=[number])
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    sys.exit(0 if child.wait() in (0, -signal.SIGTERM) else 1)
if way == "poll":
    listener.setblocking(False)
waits = select.epoll()
waits.register(number, select.EPOLLIN)
while True:
    if way == "poll":
        waits.poll()
    try:
        accepted = listener.accept()[0]
    except BlockingIOError:
        continue
    accepted.setblocking(True)
    pong.answer(accepted)
