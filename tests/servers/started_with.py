# SPDX-License-Identifier: MIT
# Tells each client what it was started with, and does to itself what servers do: the words of the file `habits` in
# its directory, in order.
# Usage: started_with.py PORT
import ctypes
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_GET_PDEATHSIG = 1, 2
RLIMIT_LOCKS = 10  # the tests mark their processes by it
IOPRIO_GET, IOPRIO_SET = {"x86_64": (252, 251), "aarch64": (31, 30)}[platform.machine()]


def death_signal():
    number = ctypes.c_int()
    LIBC.prctl(PR_GET_PDEATHSIG, ctypes.byref(number), 0, 0, 0)
    return number.value


def oom_score():
    with open("/proc/self/oom_score_adj") as file:
        return file.read().strip()


# Without what is close-on-exec: the directory that is being listed, and listeners that wait to be claimed.
def open_fds():
    for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
        try:
            if number > 2 and os.get_inheritable(number):
                yield "fd %d %s" % (number, os.readlink("/proc/self/fd/%d" % number))
        except OSError:
            pass


def facts():
    yield from open_fds()
    for number in range(16):
        yield "limit %d %s" % (number, resource.getrlimit(number))
    yield "nice %d" % os.getpriority(os.PRIO_PROCESS, 0)
    yield "policy %d %d" % (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)
    yield "cpus %s" % sorted(os.sched_getaffinity(0))
    yield "ioprio %d" % LIBC.syscall(IOPRIO_GET, 1, 0)
    yield "oom %s" % oom_score()
    yield "death signal %d" % death_signal()
    yield "parent %d" % os.getppid()


def spoil():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.nice(4)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    LIBC.syscall(IOPRIO_SET, 1, 0, 2 << 13 | 7)
    for number in set(range(16)) - {RLIMIT_LOCKS}:
        hard = resource.getrlimit(number)[1]
        least = {resource.RLIMIT_NOFILE: 64, resource.RLIMIT_STACK: 1 << 23}.get(number, 0)
        if number in (resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_NPROC):
            least = 1 << 34
        if number in (resource.RLIMIT_CPU, 15, resource.RLIMIT_FSIZE):
            least = 1 << 30
        resource.setrlimit(number, (least if hard < 0 else min(least, hard), hard))


def spoil_oom_score():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("%d" % (int(oom_score()) + 100))


def watch_parent():
    first = os.getppid()

    def watch():
        while os.getppid() == first:
            time.sleep(0.02)
        os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


def daemonize():
    if os.getppid() == 1:  # it is one already
        return
    first = os.getpid()
    if os.fork() > 0:
        os._exit(0)
    while os.getppid() == first:
        time.sleep(0.01)
    os.setsid()


# The first process stays until its daemon listens.
def daemonize_late():
    global LISTENS
    ready, LISTENS = os.pipe()
    if os.fork() > 0:
        os.close(LISTENS)
        os.read(ready, 1)
        os._exit(0)
    if os.fork() > 0:
        os._exit(0)
    os.setsid()


# Its child is the server, another program.
def start_below():
    if "IS_BELOW" not in os.environ:
        os.environ["IS_BELOW"] = "1"
        os._exit(subprocess.call([sys.executable] + sys.argv))


def move(first, second):
    os.dup2(first, second, inheritable=True)
    os.close(first)


def do(habit, *numbers):
    numbers = [int(number) for number in numbers]
    if habit == "spoil":
        global SPOILS
        SPOILS = True
        spoil()
    elif habit == "raise":  # as the JVM and node do
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    elif habit == "lower":
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    elif habit == "close":
        os.close(numbers[0])
    elif habit == "move":
        move(*numbers)
    elif habit == "reuse":  # for a file of its own, which a child would inherit
        move(os.open("/dev/zero", os.O_RDONLY), numbers[0])
    elif habit == "write":
        os.write(numbers[0], b"%d\n" % os.getpid())
    elif habit == "death-signal":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    elif habit == "watch-parent":
        watch_parent()
    elif habit == "daemonize":
        daemonize()
    elif habit == "daemonize-late":
        daemonize_late()
    elif habit == "start-below":
        start_below()
    elif habit == "leave-worker":
        global LEAVES_WORKER
        LEAVES_WORKER = True
    elif habit == "leave-helper":
        subprocess.Popen(["sleep", "600"])
    elif habit == "break":
        sys.exit(7)
    elif habit == "hang":
        time.sleep(600)


def serve(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    if SPOILS:  # no call of the library's shows it before
        spoil_oom_score()
    if LISTENS is not None:
        os.close(LISTENS)
    if LEAVES_WORKER and os.fork() > 0:
        os._exit(7)
    while True:
        client = listener.accept()[0]
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096) or b"\r\n\r\n"
        client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(REPORT), REPORT))
        client.close()


LISTENS = None
SPOILS = False
LEAVES_WORKER = False
REPORT = "".join(fact + "\n" for fact in facts()).encode()
with open("habits") as habits:
    for line in habits:
        do(*line.split())
serve(int(sys.argv[1]))
