"""How many requests a person may send: counted in the process, which tells the others once a second.

The framework's own throttle asks Redis twice at every request. Here a process knows what all had counted when it last
shared, and what came here since; so a limit may be passed by what the other processes take in a second.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView  # its module reads settings that name a class of this one

SHARED_EVERY = 1.0  # seconds
COUNTED = "duologue.counted"  # in a request's META: it may be asked twice whether it is within the rate
MOST = 50_000  # people that a process remembers


@dataclass
class Count:
    """Requests of one person in one window, and before it."""

    window: int
    before: int  # of everybody, in the window before
    total: int = 0  # of all processes, when it was last shared
    own: int = 0  # here since then
    shared_at: float = 0.0


class Rate(UserRateThrottle):
    """At most so many requests of a person in any stretch of the rate's length, nearly: those of the window before
    count by the share of it that the stretch still covers."""

    num_requests: int | None
    duration: int | None
    now: float
    ends: float
    _counts: dict[str, Count] = {}
    _lock = threading.Lock()

    def allow_request(self, request: Request, view: APIView) -> bool:
        key = self.get_cache_key(request, view)
        if key is None or self.num_requests is None or self.duration is None or COUNTED in request.META:
            return True
        now = self.timer()
        window, into = divmod(now, self.duration)
        self.now, self.ends = now, now - into + self.duration
        with self._lock:
            count = self._counts.get(key)
        if count is None or count.window != int(window):
            count = self._begin(key, int(window))
        if time.monotonic() - count.shared_at > SHARED_EVERY:
            self._share(key, count)
        with self._lock:
            if count.total + count.own + count.before * (1 - into / self.duration) >= self.num_requests:
                return False
            count.own += 1
        request.META[COUNTED] = key
        return True

    def wait(self) -> float:
        """Seconds until the window ends, by when some of it is free again."""
        return max(1.0, self.ends - self.now)

    def _begin(self, key: str, window: int) -> Count:
        before = cache.get(f"{key}:{window - 1}")
        count = Count(window, before if isinstance(before, int) else 0)
        with self._lock:
            if len(self._counts) >= MOST:
                self._counts.clear()
            self._counts[key] = count
        return count

    def _share(self, key: str, count: Count) -> None:
        """Add what came here to what all processes count."""
        with self._lock:
            count.shared_at, more, count.own = time.monotonic(), count.own, 0
            count.total += more  # until the answer is here
        name = f"{key}:{count.window}"
        cache.add(name, 0, 2 * (self.duration or 0))
        try:
            total = cache.incr(name, more)
        except ValueError:  # it was lost just now
            return
        with self._lock:
            count.total = total
