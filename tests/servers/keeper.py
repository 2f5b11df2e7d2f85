# SPDX-License-Identifier: MIT
# Keeps a server as a shell with job control does: the server's process group is its own, and its orphans become
# the keeper's children (PR_SET_CHILD_SUBREAPER, prctl(2)). A second process holds the group open.
# Usage: keeper.py COMMAND...
import ctypes
import os
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)

gate = os.pipe()
server = os.fork()
if server == 0:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.read(gate[0], 1)
    os.execvp(sys.argv[1], sys.argv[1:])
os.setpgid(server, server)
holder = os.fork()
if holder == 0:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.setpgid(0, server)
    signal.pause()
os.write(gate[1], b"x")
while True:
    signal.pause()
