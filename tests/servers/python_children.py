# SPDX-License-Identifier: MIT
"""An http.server that runs $CHILD_COMMAND by way of what Python offers: GET /child?via=NAME.

Usage: python_children.py PORT, with the version in the file `version` of the working directory.
"""

import http.server
import os
import subprocess
import sys
import urllib.parse

with open("version", encoding="ascii") as version_file:
    VERSION = version_file.read().strip()

COMMAND = os.environ["CHILD_COMMAND"]


def run_by_posix_spawn():
    """The fork_exec of subprocess is Python's own; posix_spawn is libc's."""
    read_end, write_end = os.pipe()
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", COMMAND], os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, write_end, 1)])
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        output = stream.read()
    os.waitpid(pid, 0)
    return output


def run_by_popen():
    with os.popen(COMMAND) as stream:
        return stream.read().encode()


WAYS = {
    "subprocess": lambda: subprocess.check_output(["/bin/sh", "-c", COMMAND]),
    "shell": lambda: subprocess.check_output(COMMAND, shell=True),
    "inheriting": lambda: subprocess.check_output(COMMAND, shell=True, close_fds=False),
    "popen": run_by_popen,
    "posix_spawn": run_by_posix_spawn,
}


class ChildHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        body = b"pong\n"
        if url.path == "/child":
            body = WAYS[urllib.parse.parse_qs(url.query)["via"][0]]()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.send_header("X-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), ChildHandler).serve_forever()
