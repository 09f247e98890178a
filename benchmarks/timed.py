"""The application as it is served, telling in a Server-Timing header how long it took over each answer.

For benchmarks only: `uvicorn benchmarks.timed:application`. The time runs from the request's arrival in
the application until its answer begins, so it has everything of ours in it and nothing of the client's.
"""

from __future__ import annotations

import time

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, HTTPResponseStartEvent, Scope

from config.asgi import application as served


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    began = time.perf_counter()

    async def timing(message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start":
            took = f"app;dur={(time.perf_counter() - began) * 1000:.3f}".encode()
            message = HTTPResponseStartEvent(
                type="http.response.start",
                status=message["status"],
                headers=[*message["headers"], (b"server-timing", took)],
                trailers=message.get("trailers", False),
            )
        await send(message)

    await served(scope, receive, timing)
