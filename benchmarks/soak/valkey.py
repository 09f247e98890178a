"""What Valkey holds: of what its memory is, and how many keys of which kind there are."""

from __future__ import annotations

import re
from collections import Counter
from typing import TypedDict

FIGURES = ("used_memory", "used_memory_dataset", "mem_clients_normal", "allocator_allocated", "allocator_active",
           "allocator_resident", "used_memory_rss")  # fmt: skip
NUMBER = re.compile(r"[0-9a-f-]{32,}|\d+")


class Inside(TypedDict):
    figures: dict[str, int]  # bytes
    clients: int
    keys: dict[str, int]  # by kind: a key whose numbers are left out


def look() -> Inside:
    """By the address in Django's settings, which are set up.

    Raises:
        redis.RedisError: it is away.
    """
    import redis
    from django.conf import settings

    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
        memory = client.info("memory")
        kinds = Counter(NUMBER.sub("N", key.decode(errors="replace")) for key in client.scan_iter(count=1000))
        clients = client.info("clients")["connected_clients"]
    return Inside(figures={name: int(memory.get(name, 0)) for name in FIGURES}, clients=clients, keys=dict(kinds))


def growth(series: list[Inside], *, after: int) -> str:
    """A sentence: from the look after `after` others to the last."""
    if len(series) <= after + 1:
        return ""
    early, late = series[after], series[-1]
    kb = ", ".join(f"{name} {early['figures'][name] // 1024} to {late['figures'][name] // 1024}" for name in FIGURES)
    kinds = sorted(early["keys"].keys() | late["keys"].keys())
    keys = ", ".join(f"{kind} {early['keys'].get(kind, 0)} to {late['keys'].get(kind, 0)}" for kind in kinds)
    return f"KB: {kb}; clients {early['clients']} to {late['clients']}; keys: {keys}"
