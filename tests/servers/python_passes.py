# SPDX-License-Identifier: MIT
"""Accepts connections, and passes them in turn to two workers by SCM_RIGHTS; closes them at once itself.

Usage: python_passes.py PORT KIND, with the version in the file `version` of the working directory.
KIND: executed (the workers are programs of their own), bare (and without LD_PRELOAD), forked (they are forks that
have closed the listener), helped (executed; besides, a helper holds a connection to somewhere else). A worker has
a thread for each connection, and answers /slow?ms=N after N ms. It ends with its parent.
"""

import os
import socket
import subprocess
import sys
import threading

import python_http


class PongHandler(python_http.PongHandler):
    protocol_version = "HTTP/1.1"


def serve(connection):
    with connection:
        try:
            PongHandler(connection, connection.getpeername(), None)
        except OSError:
            pass


def work(channel):
    while True:
        _, fds, _, _ = socket.recv_fds(channel, 1, 1)
        if not fds:
            os._exit(0)
        threading.Thread(target=serve, args=[socket.socket(fileno=fds[0])], daemon=True).start()


def start(kind):
    ours, theirs = socket.socketpair()
    if kind == "forked":
        if os.fork() == 0:
            for other in [ours, listener, *channels]:
                other.close()
            work(theirs)
    else:
        environment = dict(os.environ)
        if kind == "bare":
            del environment["LD_PRELOAD"]
        subprocess.Popen([sys.executable, __file__, "worker", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                         env=environment)
    theirs.close()
    return ours


def start_helper():
    """It holds a connection to somewhere else, and ends with this process."""
    bare = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    elsewhere = subprocess.Popen([sys.executable, __file__, "elsewhere"], env=bare, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
    connection = socket.create_connection(("127.0.0.1", int(elsewhere.stdout.readline())))
    ours, theirs = socket.socketpair()
    subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=theirs.fileno(), pass_fds=[connection.fileno()])
    return [elsewhere, ours]


def be_elsewhere():
    place = socket.create_server(("127.0.0.1", 0))
    print(place.getsockname()[1], flush=True)
    kept = place.accept()
    sys.stdin.read()
    del kept


if sys.argv[1] == "elsewhere":
    be_elsewhere()
    sys.exit()
if sys.argv[1] == "worker":
    work(socket.socket(fileno=int(sys.argv[2])))

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
channels = []
channels.extend(start(sys.argv[2]) for _ in range(2))
helper = start_helper() if sys.argv[2] == "helped" else []
turn = 0
while True:
    connection, _ = listener.accept()
    socket.send_fds(channels[turn % 2], [b"c"], [connection.fileno()])
    connection.close()
    turn += 1
