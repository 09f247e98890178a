"""A model server as the jobs of one engine share it: its address, its dialect, and what was learned of it so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from sampler.dialects.base import Dialect
from sampler.engines._patience import Patience
from sampler.engines._request import Learned
from sampler.engines.base import Spec


@dataclass
class Server:
    """Made and used on one event loop."""

    spec: Spec
    base: str
    model: str
    client: httpx.AsyncClient
    table: Dialect
    outage: float
    identify: Callable[[], None]  # asks what the server is, which sets `table` and `known`, or `trouble`
    known: bool = False
    learned: Learned = field(default_factory=Learned)
    trouble: str = ""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def meet(self) -> None:
        """Wait until it is known what the server is: until then nothing can be said in its words.

        Raises:
            TimeoutError: it was away for too long.
        """
        patience = Patience(self.base, self.outage)
        async with self.asking:
            while not self.known:
                await asyncio.to_thread(self.identify)
                if not self.known:
                    await asyncio.sleep(patience.pause(httpx.ConnectError(self.trouble), shown=False))
