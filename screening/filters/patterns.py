"""A transparent filter: patterns by category, each with its weight, the strongest match counts.

It reads words, not meaning. What it misses: harm put politely or in other words, spelled with spaces or digits, in any
language but English, spread over several messages, and every category without a list here. What it warns about for
nothing: news, history, medicine, fiction and chess ("they massacre the pawns"). Its verdicts are there to be looked at
and marked, and to show where a classifier or a guard model is worth its cost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

# A pattern is searched for only where one of its words occurs: looking for a word is many times as fast.
_PATTERNS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "self-harm": (
        ("myself|yourself", r"\b(kill|hurt|harm|cut)(ing)? (myself|yourself)\b", 0.9),
        ("suicid|end my life", r"\b(suicide|suicidal|end my life)\b", 0.6),
        ("overdos", r"\boverdos(e|ing) on\b", 0.7),
    ),
    "violence": (
        (
            "kill|murder|poison|torture",
            r"\bhow (do|can|to) .{0,40}\b(kill|murder|poison|torture)\b.{0,30}\b(him|her|them|someone|people)\b", 0.9,
        ),
        ("kill|hurt|stab|shoot", r"\b(i will|i'll|going to) (kill|hurt|stab|shoot) (you|him|her|them)\b", 0.9),
        ("behead|massacre|torture", r"\b(behead|massacre|torture)\b", 0.4),
    ),
    "weapons": (
        (
            "bomb|explosive|nerve agent|ghost gun",
            r"\b(build|make|making|assemble)\b.{0,30}\b(pipe bomb|bomb|explosives?|nerve agent|ghost gun)\b", 0.9,
        ),
        ("sarin|ricin|napalm|thermite", r"\b(sarin|ricin|napalm|thermite)\b", 0.5),
    ),
    "sexual": (
        ("porn|explicit sex|nsfw|erotica", r"\b(porn(ographic|ography)?|explicit sex|nsfw|erotica)\b", 0.6),
        (
            "child|minor|underage|teen",
            r"\b(child|minor|underage|teen)\b.{0,30}\b(sex|sexual|nude|naked|porn)\w*\b", 1.0,
        ),
    ),
    "hate": (
        (
            "vermin|subhuman|exterminated|animals|parasites",
            r"\b(all|those|these) \w+ (are|should be) (vermin|subhuman|exterminated|animals|parasites)\b", 0.9,
        ),
        ("ethnic cleansing|racial purity|master race", r"\b(ethnic cleansing|racial purity|master race)\b", 0.6),
    ),
}  # fmt: skip
_COMPILED = {
    category: tuple(
        (words.split("|"), re.compile(pattern, re.IGNORECASE | re.DOTALL), weight)
        for words, pattern, weight in patterns
    )
    for category, patterns in _PATTERNS.items()
}
PERSONAL = "personal data"
# Numbers that stand alone: inside an id, an address or a longer number they are part of that.
_ALONE = r"(?<![\w./=#@+-])", r"(?![\w=#@-]|[./]\w)"
_SOCIAL = re.compile(_ALONE[0] + r"\d{3}-\d{2}-\d{4}" + _ALONE[1], re.ASCII)
_CARD = re.compile(_ALONE[0] + r"\d(?:[ -]?\d){12,18}" + _ALONE[1], re.ASCII)
_ACCOUNT = re.compile(_ALONE[0] + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?" + _ALONE[1], re.ASCII)
_DIGITS = re.compile(r"\d\d", re.ASCII)


class Patterns:
    version = "2"
    in_worker = True
    fast = True
    categories = dict.fromkeys([*_PATTERNS, PERSONAL], 0.5)

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        return [_score(text if text.isascii() else unicodedata.normalize("NFKC", text)) for text in texts]


FILTER = Patterns()


def _score(text: str) -> dict[str, float]:
    lower = text.lower()
    found = {
        category: max(
            (
                weight
                for words, pattern, weight in patterns
                if any(word in lower for word in words) and pattern.search(text)
            ),
            default=0.0,
        )
        for category, patterns in _COMPILED.items()
    }
    return {**found, PERSONAL: _personal(text) if _DIGITS.search(text) else 0.0}


def _personal(text: str) -> float:
    checks: tuple[tuple[re.Pattern[str], Callable[[str], bool], float], ...] = (
        (_SOCIAL, lambda _: True, 0.7), (_CARD, _is_card, 0.7), (_ACCOUNT, _is_account, 0.6),
    )  # fmt: skip
    return max((weight for shape, holds, weight in checks if any(map(holds, shape.findall(text)))), default=0.0)


def _is_card(found: str) -> bool:
    """By the check digit that card numbers end with: one in ten other numbers has it by chance."""
    digits = [int(sign) for sign in found if sign.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return digits[0] in (2, 3, 4, 5, 6) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_account(found: str) -> bool:
    """By the two check digits of an IBAN."""
    compact = found.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4])) % 97 == 1
