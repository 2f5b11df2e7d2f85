# SPDX-License-Identifier: MIT
"""Asks a FastCGI server on a unix socket, one connection after another, until TERM.

Usage: fastcgi.py SOCKET SCRIPT: says `running` at the first answer, `first ANSWER` for each answer that is new, and
`failures N` at the end. Exits with 0 if there was none.
"""

import signal
import socket
import struct
import sys

BEGIN, PARAMS, STDIN, STDOUT = 1, 4, 5, 6
is_over = False
failures = 0
answers = []


def stop(_signal, _frame):
    global is_over
    is_over = True


def record(kind, content):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def stdout_of(data):
    out = b""
    while data:
        _, kind, _, length, padding, _ = struct.unpack("!BBHHBB", data[:8])
        if kind == STDOUT:
            out += data[8 : 8 + length]
        data = data[8 + length + padding :]
    return out


def ask(path, script):
    pairs = {"SCRIPT_FILENAME": script, "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/ping"}
    params = b"".join(bytes([len(k), len(v)]) + k.encode() + v.encode() for k, v in pairs.items())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        begin = record(BEGIN, struct.pack("!HB5x", 1, 0))
        connection.sendall(begin + record(PARAMS, params) + record(PARAMS, b"") + record(STDIN, b""))
        data = b""
        while part := connection.recv(65536):
            data += part
    _, _, body = stdout_of(data).partition(b"\r\n\r\n")
    return body.decode().strip()


signal.signal(signal.SIGTERM, stop)
while not is_over:
    try:
        answer = ask(sys.argv[1], sys.argv[2])
        if not answer.startswith("pong"):
            raise OSError(f"answer {answer!r}")
    except OSError as error:
        failures += 1
        print("failed:", error, flush=True)
        continue
    if not answers:
        print("running", flush=True)
    if answer not in answers:
        answers.append(answer)
        print("first", answer, flush=True)
print("failures", failures, flush=True)
sys.exit(failures > 0)
