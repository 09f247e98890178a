"""What a reader sees of a text. Pure: every way in compares texts by it and stores them as they came."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import combinations

# Zero width space, word joiner, byte order mark, soft hyphen and the controls of direction: never seen by
# themselves. Joiners and variation selectors are not among them: they change letters and emoji.
_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_PRINTABLE_ASCII = re.compile(r"[!-~]")
# Drawn as nothing, although Unicode counts them as letters, marks or symbols.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def visible(text: str) -> str:
    """The text with composed letters (NFC) and LF line ends, without outer blanks and unseen characters; empty
    where a reader sees nothing at all. Texts equal in this form are equal to a reader."""
    if text.isascii():
        shown = text
        if not _PRINTABLE_ASCII.search(text):
            return ""
    else:
        shown = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
        if not any(map(_shows, shown)):
            return ""
    return shown.replace("\r\n", "\n").replace("\r", "\n").strip()


def equal_pair(texts: Sequence[str]) -> tuple[int, int] | None:
    """The places of the first two texts that are equal to a reader."""
    seen = [visible(text) for text in texts]
    return next(((a, b) for a, b in combinations(range(len(seen)), 2) if seen[a] == seen[b]), None)


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cn", "Zs", "Zl", "Zp"} and not _BLANK.match(character)
