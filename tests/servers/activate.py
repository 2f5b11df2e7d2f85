# SPDX-License-Identifier: MIT
"""Does what a service manager does with a socket unit: listens, and becomes the server, which inherits it.

Usage: activate.py PORT NUMBER KEEPER COMMAND...: the listener is descriptor NUMBER there; LISTEN_FDS and
LISTEN_PID tell of 3. Another process keeps the listener, as the manager does, until its file KEEPER, which has
its pid, is gone.
"""

import os
import socket
import sys
import time

port, number, keeper = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(128)
if os.fork() == 0:
    os.setsid()
    with open(keeper + ".new", "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
    os.rename(keeper + ".new", keeper)
    while os.path.exists(keeper):
        time.sleep(0.05)
    os._exit(0)
while not os.path.exists(keeper):
    time.sleep(0.01)
os.dup2(listener.fileno(), number)
os.set_inheritable(number, True)
if number == 3:
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.environ["LD_PRELOAD"] = os.environ.pop("PRELOAD_LATER")
os.execvp(sys.argv[4], sys.argv[4:])
