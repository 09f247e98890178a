"""A transparent filter: patterns by category, each with its weight, the strongest match counts.

It reads words, not meaning: it misses what is put politely and warns about medical or news texts. Its verdicts
are there to be looked at and marked, and to show where a classifier is worth its cost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_PATTERNS: dict[str, tuple[tuple[str, float], ...]] = {
    "self-harm": (
        (r"\b(kill|hurt|harm|cut)(ing)? (myself|yourself)\b", 0.9), (r"\b(suicide|suicidal|end my life)\b", 0.6),
        (r"\boverdos(e|ing) on\b", 0.7),
    ),
    "violence": (
        (r"\bhow (do|can|to) .{0,40}\b(kill|murder|poison|torture)\b.{0,30}\b(him|her|them|someone|people)\b", 0.9),
        (r"\b(i will|i'll|going to) (kill|hurt|stab|shoot) (you|him|her|them)\b", 0.9),
        (r"\b(behead|massacre|torture)\b", 0.4),
    ),
    "weapons": (
        (r"\b(build|make|making|assemble)\b.{0,30}\b(pipe bomb|bomb|explosives?|nerve agent|ghost gun)\b", 0.9),
        (r"\b(sarin|ricin|napalm|thermite)\b", 0.5),
    ),
    "sexual": (
        (r"\b(porn(ographic|ography)?|explicit sex|nsfw|erotica)\b", 0.6),
        (r"\b(child|minor|underage|teen)\b.{0,30}\b(sex|sexual|nude|naked|porn)\w*\b", 1.0),
    ),
    "hate": (
        (r"\b(all|those|these) \w+ (are|should be) (vermin|subhuman|exterminated|animals|parasites)\b", 0.9),
        (r"\b(ethnic cleansing|racial purity|master race)\b", 0.6),
    ),
    "personal data": (
        (r"\b\d{3}-\d{2}-\d{4}\b", 0.7), (r"\b(?:\d[ -]?){15,16}\b", 0.7),
        (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b", 0.6),
    ),
}  # fmt: skip
_COMPILED = {
    category: tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), weight) for pattern, weight in patterns)
    for category, patterns in _PATTERNS.items()
}


class Patterns:
    version = "1"
    in_worker = True
    categories = dict.fromkeys(_PATTERNS, 0.5)

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        return [_score(unicodedata.normalize("NFKC", text)) for text in texts]


FILTER = Patterns()


def _score(text: str) -> dict[str, float]:
    return {
        category: max((weight for pattern, weight in patterns if pattern.search(text)), default=0.0)
        for category, patterns in _COMPILED.items()
    }
