"""Django's cache on Redis that goes on without it: counters of limits and lock-outs are then kept by each process.

What is cached may always be lost; what must not happen is that nobody is counted any more, or that every request waits
for a server that is away. So the first failure turns to the memory of the process, and Redis is asked again later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import redis
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

log = logging.getLogger(__name__)
DEFAULT = 300.0  # seconds that Django keeps what is given no time
AWAY = 5.0  # seconds before Redis is asked again
T = TypeVar("T")


class SharedOrOwn(RedisCache):
    """The shared cache while Redis answers, else one of this process."""

    def __init__(self, server: str, params: dict[str, object]) -> None:
        super().__init__(server, params)
        self.own = LocMemCache("without-redis", {})
        self.away_until = 0.0

    def _either(self, shared: Callable[[], T], own: Callable[[], T]) -> T:
        if time.monotonic() < self.away_until:
            return own()
        try:
            return shared()
        except (redis.RedisError, OSError) as error:
            if self.away_until == 0.0 or time.monotonic() > self.away_until + AWAY:
                log.warning("the cache is away, and each process counts for itself: %s", error)
            self.away_until = time.monotonic() + AWAY
            return own()

    def get(self, key: object, default: object = None, version: int | None = None) -> object:
        shared, own = partial(super().get, key, default), partial(self.own.get, key, default)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def set(self, key: object, value: object, timeout: float | None = DEFAULT, version: int | None = None) -> None:
        shared, own = partial(super().set, key, value, timeout), partial(self.own.set, key, value, timeout)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def add(self, key: object, value: object, timeout: float | None = DEFAULT, version: int | None = None) -> bool:
        shared, own = partial(super().add, key, value, timeout), partial(self.own.add, key, value, timeout)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def touch(self, key: object, timeout: float | None = DEFAULT, version: int | None = None) -> bool:
        shared, own = partial(super().touch, key, timeout), partial(self.own.touch, key, timeout)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def delete(self, key: object, version: int | None = None) -> bool:
        shared, own = partial(super().delete, key), partial(self.own.delete, key)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def incr(self, key: object, delta: int = 1, version: int | None = None) -> int:
        shared, own = partial(super().incr, key, delta), partial(self.own.incr, key, delta)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def has_key(self, key: object, version: int | None = None) -> bool:
        shared, own = partial(super().has_key, key), partial(self.own.has_key, key)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, object]:
        shared, own = partial(super().get_many, keys), partial(self.own.get_many, keys)
        return self._either(partial(shared, version=version), partial(own, version=version))
