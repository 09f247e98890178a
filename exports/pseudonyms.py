"""Stable names for people in exported data: keyed hashes whose key never leaves the server.

The key is a column of the project (`pseudonym_key`), not `SECRET_KEY`: rotating the latter must not
rename every judge. It is in no export, no API answer and no admin page.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import cache


def namer(key: str) -> Callable[[int | None], str | None]:
    """A function from a user's id to the pseudonym within the project of this key."""

    @cache
    def name(user: int | None) -> str | None:
        if user is None:
            return None
        return "p" + hmac.new(bytes.fromhex(key), str(user).encode(), hashlib.sha256).hexdigest()[:20]

    return name
