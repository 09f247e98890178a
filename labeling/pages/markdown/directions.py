"""The writing direction of lists, quotes and tables, and of languages."""

from __future__ import annotations

import re
import unicodedata

HOLDER = re.compile(r"<(ul|ol|blockquote|table)\b")  # whose text is in blocks of their own
RIGHT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
PIECE = re.compile(rf"<pre\b.*?</pre>|<[^>]*>|&[#\w]+;|[{RIGHT}]|[^\W\d_]", re.DOTALL)

LETTER = re.compile(f"[{RIGHT}]")
TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")  # a BCP 47 tag, as far as a browser cares
FROM_THE_RIGHT = frozenset({
    "ar", "arc", "azb", "ckb", "dv", "fa", "glk", "he", "iw", "lrc", "mzn", "nqo", "pnb", "prs", "ps", "sd", "skr",
    "syr", "ug", "ur", "yi",
})  # fmt: skip
SCRIPTS_FROM_THE_RIGHT = frozenset(("adlm", "arab", "hebr", "nkoo", "rohg", "syrc", "thaa"))


def from_the_right(language: str) -> bool:
    """Whether a language, by its BCP 47 tag, is written from right to left."""
    first, *others = language.lower().split("-")
    script = next((part for part in others if len(part) == 4 and part.isalpha()), "")
    return script in SCRIPTS_FROM_THE_RIGHT if script else first in FROM_THE_RIGHT


def of_holders(html: str) -> str:
    """Each gets the direction of the first strong character. A browser's `auto` looks past blocks that have a
    direction of their own, which everything in a list or table has: the markers would stand on the wrong side."""
    pieces: list[str] = []
    done, found_at, side = 0, -1, "auto"
    for holder in HOLDER.finditer(html):
        if found_at < holder.end():
            found_at, side = _first_strong(html, holder.end())
        pieces += (html[done : holder.end()], f' dir="{side}"')
        done = holder.end()
    return "".join((*pieces, html[done:]))


def _first_strong(html: str, start: int) -> tuple[int, str]:
    start = html.find(">", start) + 1
    for piece in PIECE.finditer(html, start):
        kind = unicodedata.bidirectional(piece.group()) if piece.end() - piece.start() == 1 else ""
        if kind in {"L", "R", "AL"}:
            return piece.start(), "ltr" if kind == "L" else "rtl"
    return len(html), "auto"
