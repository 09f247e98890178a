"""An OpenAI-compatible server over HTTP: greeted, and asked for streams. Redirects are not followed: the address is
the one that an operator registered."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncGenerator, Mapping

import httpx
from httpx_sse import EventSource, SSEError

from common.shapes import JsonLike
from generation.checkpoints import CannotLoad
from sampler.engines._wire import Chunk, Dialect, Refused
from sampler.engines.base import Spec

logger = logging.getLogger(__name__)
TIMEOUT = httpx.Timeout(120.0, connect=10.0, pool=None)


class Server:
    """Made and used on one event loop."""

    def __init__(self, spec: Spec, *, connections: int) -> None:
        self.slug = spec.slug
        self.base = spec.location.rstrip("/")
        self.model = spec.remote_name or spec.slug
        self.dialect = Dialect()
        self.versions: dict[str, str] = {"httpx": httpx.__version__}
        headers = {"Authorization": f"Bearer {os.environ[spec.api_key_env]}"} if spec.api_key_env else {}
        self._client = httpx.AsyncClient(
            headers=headers, timeout=TIMEOUT, limits=httpx.Limits(max_connections=connections), follow_redirects=False
        )

    async def greet(self) -> str:
        """Ask what it serves. One that is away is not an error, for it may be starting: returned is what is wrong.

        Raises:
            CannotLoad: it answers, and refuses us.
        """
        try:
            answer = await self._client.get(f"{self.base}/models")
        except httpx.TransportError as error:
            trouble = f"{self.base} does not answer: {error}"
            logger.warning("%s: %s", self.slug, trouble)
            return trouble
        if answer.status_code in {401, 403}:
            raise CannotLoad(f"{self.base} refuses the key (HTTP {answer.status_code}).")
        if answer.status_code == 200:
            names = [str(m.get("id")) for m in answer.json().get("data", []) if isinstance(m, dict)]
            if names and self.model not in names and not any(n.startswith(f"{self.model}@") for n in names):
                logger.warning("%s: the server lists %s, not %s", self.slug, ", ".join(names[:5]), self.model)
        if software := answer.headers.get("server"):
            self.versions["server"] = software
        return ""

    async def chat(self, body: Mapping[str, JsonLike]) -> AsyncGenerator[Chunk, None]:
        """The chunks of a chat completion as they come.

        Raises:
            Refused, TooLong: the server says no; the second may be cured by a shorter prompt.
            httpx.HTTPError: it is away, busy or broke off (`_patience.RETRIED`).
        """
        async with self._client.stream("POST", f"{self.base}/chat/completions", json=body) as answer:
            if answer.status_code != 200:
                raise self.dialect.refusal(answer, (await answer.aread()).decode(errors="replace")[:500])
            try:
                async for event in EventSource(answer).aiter_sse():
                    if event.data and event.data != "[DONE]":
                        chunk: Chunk = json.loads(event.data)
                        yield chunk
            except SSEError as error:
                raise Refused(f"It does not stream: {error}") from None

    async def close(self) -> None:
        await self._client.aclose()
