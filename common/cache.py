"""Django's cache on Redis that goes on without it: counters of limits and lock-outs are then kept by each process.

What is cached may always be lost; what must not happen is that nobody is counted any more, or that every request waits
for a server that is away. So the first failure turns to the memory of the process, and Redis is asked again later.
Lock-outs are closed in both: their counters are noted in the process too, so that whoever was locked out stays so when
Redis goes away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import cache, cached_property, partial
from typing import TypeVar

import redis
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from common.redis_client import TIMEOUT, Away, at_once, away

log = logging.getLogger(__name__)
DEFAULT = 300.0  # seconds that Django keeps what is given no time
MOST_OWN = 20_000  # entries of a process
LOCK_OUTS = ("allauth:", "wrong-tokens:")  # counters of failed sign-ins and of wrong tokens
T = TypeVar("T")


class _OneClient(RedisCacheClient):
    """Of one server, whose client of the driver is made once: Django makes one for each command. It may be used by many
    threads, since each command takes a connection of its own from the pool."""

    @cached_property
    def _only(self) -> redis.Redis:
        return super().get_client(write=True)

    def get_client(self, key: object = None, *, write: bool = False) -> redis.Redis:
        return self._only


@cache
def _client(servers: tuple[str, ...]) -> RedisCacheClient:
    """The process's one: Django makes a cache for every request, and each would connect anew."""
    return _OneClient(list(servers), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=at_once())


class SharedOrOwn(RedisCache):
    """The shared cache while Redis answers, else one of this process."""

    def __init__(self, server: str, params: dict[str, object], away: Away = away) -> None:
        super().__init__(server, params)
        self.servers = (server,)
        self.own = LocMemCache("without-redis", {"OPTIONS": {"MAX_ENTRIES": MOST_OWN}})
        self.away = away

    @cached_property
    def _cache(self) -> RedisCacheClient:
        return _client(self.servers)

    def _either(self, shared: Callable[[], T], own: Callable[[], T]) -> T:
        if self.away:
            return own()
        try:
            return shared()
        except (redis.RedisError, OSError) as error:
            if self.away.note():
                log.warning("the cache is away, and each process counts for itself: %s", error)
            return own()

    def get(self, key: object, default: object = None, version: int | None = None) -> object:
        shared, own = partial(super().get, key, default), partial(self.own.get, key, default)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def set(self, key: object, value: object, timeout: float | None = DEFAULT, version: int | None = None) -> None:
        shared, own = partial(super().set, key, value, timeout), partial(self.own.set, key, value, timeout)
        self._either(partial(shared, version=version), partial(own, version=version))
        if _locks_out(key):
            own(version=version)

    def add(self, key: object, value: object, timeout: float | None = DEFAULT, version: int | None = None) -> bool:
        shared, own = partial(super().add, key, value, timeout), partial(self.own.add, key, value, timeout)
        added = self._either(partial(shared, version=version), partial(own, version=version))
        if added and _locks_out(key):
            self.own.set(key, value, timeout, version=version)
        return added

    def touch(self, key: object, timeout: float | None = DEFAULT, version: int | None = None) -> bool:
        shared, own = partial(super().touch, key, timeout), partial(self.own.touch, key, timeout)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def delete(self, key: object, version: int | None = None) -> bool:
        shared, own = partial(super().delete, key), partial(self.own.delete, key)
        deleted = self._either(partial(shared, version=version), partial(own, version=version))
        return own(version=version) or deleted if _locks_out(key) else deleted

    def incr(self, key: object, delta: int = 1, version: int | None = None) -> int:
        shared, own = partial(super().incr, key, delta), partial(self.own.incr, key, delta)
        count = self._either(partial(shared, version=version), partial(own, version=version))
        if _locks_out(key):
            self.own.set(key, count, DEFAULT, version=version)
        return count

    def clear(self) -> None:
        self._either(super().clear, lambda: None)
        self.own.clear()

    def has_key(self, key: object, version: int | None = None) -> bool:
        shared, own = partial(super().has_key, key), partial(self.own.has_key, key)
        return self._either(partial(shared, version=version), partial(own, version=version))

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, object]:
        shared, own = partial(super().get_many, keys), partial(self.own.get_many, keys)
        return self._either(partial(shared, version=version), partial(own, version=version))


def _locks_out(key: object) -> bool:
    return str(key).startswith(LOCK_OUTS)
