# SPDX-License-Identifier: MIT
"""What uvicorn and hypercorn serve in the tests. Reads the file `version` when it is loaded."""

import os

with open("version", encoding="ascii") as file:
    VERSION = file.read().strip()


async def live(receive, send):
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    body = f"pong {VERSION} {os.getpid()}\n".encode()
    headers = {"content-length": len(body), "x-version": VERSION, "x-pid": os.getpid()}
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(name.encode(), str(value).encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
