# SPDX-License-Identifier: MIT
"""Accepts in the way that WAY names, and believes that accept() does not fail: else it says `accept: ERROR`, and ends.

Usage: python_accepts.py PORT WAY, with the version in the file `version`. WAY is waits (accept() blocks, and a connection
with a time limit is polled before it is read), limited (the listener has a time limit, so that Python polls before it
accepts), or selects (as socketserver does).
"""

import selectors
import socket
import sys

import pong

way = sys.argv[2]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(128)
if way == "limited":
    listener.settimeout(0.2)
selector = selectors.PollSelector()
selector.register(listener, selectors.EVENT_READ)
while True:
    if way == "selects" and not selector.select(0.2):
        continue
    try:
        connection = listener.accept()[0]
    except TimeoutError:
        continue
    except OSError as error:
        sys.exit(f"accept: {error}")
    connection.settimeout(10)
    pong.answer(connection)
