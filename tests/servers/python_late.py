# SPDX-License-Identifier: MIT
"""A Python server with a metrics port, which answers at once, and a port that it opens when the file `gate` is in
the working directory.

Usage: python_late.py PORT METRICS, with the version in the file `version` of the working directory.
"""

import http.server
import os
import sys
import threading
import time

from python_http import PongHandler


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def serve(port):
    Server(("127.0.0.1", int(port)), PongHandler).serve_forever()


threading.Thread(target=serve, args=(sys.argv[2],), daemon=True).start()
while not os.path.exists("gate"):
    time.sleep(0.005)
serve(sys.argv[1])
