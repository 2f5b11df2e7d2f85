# SPDX-License-Identifier: MIT
"""Listens where, and as, the file `addresses` says, which each version reads afresh.

A line is an address and options. An address is HOST PORT or unix PATH. Options: backlog=N, v6only=0, reuseport=N (that
many sockets), pause=MS before each accept of these, mode=OCTAL. Of a unix path, habit= says how the server comes by it:
    plain    removes the path, and binds it
    asks     connects first, and ends if somebody answers (for HOST PORT, too)
    taken    binds; if the path is taken and nobody answers there, removes it, and binds again
    renames  binds PATH.tmp, and renames that to PATH; renames_pid has its pid in the name
    linked   as haproxy: keeps the old file under PATH.bak until it listens, and listens only if it does not yet
    polled   as renames, but its event loop waits before the rename
    late     the same, but a thread accepts before the rename
A line `exits` ends it before it serves anywhere. On TERM it says what it accepted on each socket that shares its port, since
the last SIGWINCH, removes its paths, and exits. On SIGWINCH it also says how many of its sockets share their port.
"""

import os
import select
import signal
import socket
import sys
import threading
import time

import pong

paths = []
threads = []
sharing = {}
internet = []


def serve(listener):
    while True:
        pong.answer(listener.accept()[0])


def serve_counted(listener, pause_ms):
    while True:
        time.sleep(pause_ms / 1000)
        connection = listener.accept()[0]
        sharing[listener] += 1
        pong.answer(connection)


def poll(listener):
    events = select.epoll()
    events.register(listener, select.EPOLLIN)
    events.poll(0)
    return events


def serve_polled(listener, events):
    listener.setblocking(False)
    while True:
        events.poll()
        try:
            connection = listener.accept()[0]
        except BlockingIOError:
            continue
        connection.setblocking(True)
        pong.answer(connection)


def start(target, *args):
    threads.append(threading.Thread(target=target, args=args, daemon=True))


def ask(family, address):
    with socket.socket(family) as probe:
        if probe.connect_ex(address) == 0:
            sys.exit(f"somebody listens on {address}")


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def bind_taken(listener, path):
    try:
        listener.bind(path)
    except OSError:
        ask(socket.AF_UNIX, path)
        os.unlink(path)
        listener.bind(path)


def rename(listener, habit, path, options):
    name = f"{path}.{os.getpid()}.tmp" if habit == "renames_pid" else f"{path}.tmp"
    remove(name)
    listener.bind(name)
    os.chmod(name, int(options.get("mode", "666"), 8))
    listener.listen(int(options.get("backlog", 64)))
    events = poll(listener) if habit == "polled" else None
    if habit == "late":
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        time.sleep(0.2)
    os.rename(name, path)
    if habit == "polled":
        start(serve_polled, listener, events)
    elif habit != "late":
        start(serve, listener)


def rename_linked(listener, path, options):
    name, backup = f"{path}.{os.getpid()}.tmp", f"{path}.bak"
    remove(name)
    remove(backup)
    if os.path.exists(path):
        os.link(path, backup)
    listener.bind(name)
    os.chmod(name, int(options.get("mode", "666"), 8))
    os.rename(name, path)
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.listen(int(options.get("backlog", 64)))
    remove(backup)
    start(serve, listener)


def listen_unix(path, options):
    habit = options.get("habit", "plain")
    listener = socket.socket(socket.AF_UNIX)
    if not path.startswith("@"):
        paths.append(path)
    if habit in ("renames", "renames_pid", "polled", "late"):
        rename(listener, habit, path, options)
        return
    if habit == "linked":
        rename_linked(listener, path, options)
        return
    if path.startswith("@"):
        path = "\0" + path[1:]
    if habit == "asks":
        ask(socket.AF_UNIX, path)
    if habit == "taken":
        bind_taken(listener, path)
    else:
        if path[0] != "\0":
            remove(path)
        listener.bind(path)
    if path[0] != "\0":
        os.chmod(path, int(options.get("mode", "666"), 8))
    listener.listen(int(options.get("backlog", 64)))
    start(serve, listener)


def listen_internet(host, port, options):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if options.get("habit") == "asks":
        ask(family, (host, port))
    for _ in range(int(options.get("reuseport", 1))):
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if "reuseport" in options:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if "v6only" in options:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(options["v6only"]))
        listener.bind((host, port))
        listener.listen(int(options.get("backlog", 64)))
        internet.append(listener)
        if "reuseport" in options:
            sharing[listener] = 0
            start(serve_counted, listener, int(options.get("pause", 0)))
        else:
            start(serve, listener)


def stop(_signal, _frame):
    for listener, count in sharing.items():
        print("accepted", os.getpid(), count, flush=True)
    for path in paths:
        remove(path)
    os._exit(0)


def count_anew(_signal, _frame):
    for listener in sharing:
        sharing[listener] = 0
    count = sum(listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) for listener in internet)
    print("share", os.getpid(), count, flush=True)


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGWINCH, count_anew)
with open("addresses", encoding="ascii") as file:
    for line in file:
        words = line.split()
        options = dict(word.split("=") for word in words if "=" in word)
        if words[0] == "exits":
            sys.exit("as it was told")
        elif words[0] == "unix":
            listen_unix(words[1], options)
        else:
            listen_internet(words[0], int(words[1]), options)
for thread in threads:
    thread.start()
# A signal that comes just before pause(2) would be handled after the next one.
while True:
    time.sleep(0.1)
