# SPDX-License-Identifier: MIT
"""A plain WSGI application; the version is in the file `version` of the working directory.

/slow?ms=N answers after N ms.
"""

import os
import time
import urllib.parse

with open("version", encoding="ascii") as version_file:
    VERSION = version_file.read().strip()


def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
        time.sleep(int(query.get("ms", ["1000"])[0]) / 1000)
    body = f"pong {VERSION} {os.getpid()}\n".encode()
    start_response(
        "200 OK",
        [
            ("Content-Type", "text/plain"),
            ("Content-Length", str(len(body))),
            ("X-Version", VERSION),
            ("X-Pid", str(os.getpid())),
        ],
    )
    return [body]
