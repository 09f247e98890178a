"""What was laid out once is not laid out again: short texts are kept in the process, long ones for all processes.

Both are bounded: so many texts up to a length here; so many slots in the shared cache, each with the text that was
laid out last of those whose hash falls there. Losing it costs time only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Literal

from django.core.cache import cache
from django.utils.translation import get_language
from redis.exceptions import RedisError

SHORT = 8_000  # characters: looking it up elsewhere would save nothing
SLOTS = 256
LONGEST_KEPT = 500_000  # characters of HTML: at most 128 MB in all
SECONDS = 24 * 3600
VERSION = 3  # to be raised when the same text becomes another HTML

How = Literal["markdown", "guidelines", "written"]
Render = Callable[[str, How], str]


def kept(render: Render, text: str, how: How) -> str:
    """`render(text, how)`, from where it is kept."""
    language = str(get_language())  # of the sentences that say why a text is shown as written
    if len(text) <= SHORT:
        return _in_process(render, text, how, language)
    return _shared(render, text, how, language)


@lru_cache(maxsize=1024)
def _in_process(render: Render, text: str, how: How, language: str) -> str:
    return render(text, how)


def _shared(render: Render, text: str, how: How, language: str) -> str:
    digest = hashlib.sha256(f"{VERSION} {language} {how} {text}".encode("utf-8", "surrogatepass")).hexdigest()
    key = f"laid-out:{int(digest[:8], 16) % SLOTS}"
    found: object = None
    with suppress(RedisError):
        found = cache.get(key)
    if isinstance(found, tuple) and len(found) == 2 and found[0] == digest:
        return str(found[1])
    html = render(text, how)
    if len(html) <= LONGEST_KEPT:
        with suppress(RedisError):
            cache.set(key, (digest, html), SECONDS)
    return html
