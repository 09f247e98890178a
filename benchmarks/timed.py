"""The application as it is served, telling in a Server-Timing header how long it took over each answer.

For benchmarks only: `uvicorn benchmarks.timed:application`. The time runs from the request's arrival in
the application until its answer begins, so it has everything of ours in it and nothing of the client's.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from common.limits import Receive, Scope, Send
from config.asgi import application as served


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    began = time.perf_counter()

    async def timing(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            took = f"app;dur={(time.perf_counter() - began) * 1000:.3f}".encode()
            message = {**message, "headers": [*message["headers"], (b"server-timing", took)]}
        await send(message)

    await served(scope, receive, timing)
