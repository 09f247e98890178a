"""Phrases that a writer overuses, and two things to be seen in a text itself: a question back, a refusal. Pure.

An answer counts once for a phrase, however often it repeats it: what is measured is a habit, not a loop.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from insights.round_types import Phrase

WORDS = 4  # of a phrase
OFTEN = 0.05  # share of the answers from which a phrase can be overused
AT_LEAST = 3  # answers that hold it
TIMES = 3.0  # as often as in the baseline
LISTED = 5

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# How the models of these years begin when they decline; English only, and docs/quality.md says so.
_REFUSAL = re.compile(
    r"^\W*((i['’]?m|i am|we['’]?re) (very |really |so )?(sorry|afraid|unable|not able)"
    r"|sorry,? (but )?i|i (can['’]?t|cannot|can not|won['’]?t|will not|must decline|don['’]?t feel comfortable)"
    r"|unfortunately,? i (can|am)|as an ai\b)",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？؟]\W*$")


def phrases_of(text: str, words: int = WORDS) -> set[str]:
    """Every run of so many words, in lower case, without punctuation."""
    found = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    return {" ".join(found[at : at + words]) for at in range(len(found) - words + 1)}


def asks(text: str) -> bool:
    """Whether its last sentence is a question."""
    return bool(_ASKS.search(text))


def refuses(text: str) -> bool:
    """Whether it begins with a refusal."""
    return bool(_REFUSAL.match(text))


def overused(answers: Sequence[set[str]], baseline: Sequence[set[str]]) -> list[Phrase]:
    """Phrases in at least `OFTEN` of the answers that are `TIMES` as frequent as in the baseline, the worst first.

    One answer is added to the baseline's count: a phrase that it lacks may only be one that it is too small to hold.
    """
    if not answers or not baseline:
        return []
    ours = Counter(phrase for found in answers for phrase in found)
    theirs = Counter(phrase for found in baseline for phrase in found)
    rows: list[Phrase] = [
        {"words": phrase, "share": count / len(answers), "baseline": theirs[phrase] / len(baseline)}
        for phrase, count in ours.items()
        if count >= AT_LEAST
        and count / len(answers) >= OFTEN
        and count / len(answers) >= TIMES * (theirs[phrase] + 1) / (len(baseline) + 1)
    ]
    return sorted(rows, key=lambda row: (-row["share"], row["words"]))


def holding(answers: Sequence[set[str]], phrases: Collection[Phrase]) -> list[bool]:
    """Which of the answers hold one of the phrases."""
    wanted = {phrase["words"] for phrase in phrases}
    return [not wanted.isdisjoint(found) for found in answers]


def told_apart(phrases: Sequence[Phrase]) -> list[Phrase]:
    """The first few, without those that are one listed before moved by a word: a longer phrase is many runs."""
    kept: list[Phrase] = []
    for phrase in phrases:
        words = phrase["words"].split(" ")
        if all(not _overlap(words, other["words"].split(" ")) for other in kept):
            kept.append(phrase)
        if len(kept) == LISTED:
            break
    return kept


def _overlap(one: list[str], other: list[str]) -> bool:
    """Whether half of one's words, or more, run on into the other's."""
    return any(
        one[-shared:] == other[:shared] or other[-shared:] == one[:shared]
        for shared in range(max(1, len(one) // 2), len(one))
    )
