"""The limitations that the announcement of ChatGPT lists of itself, counted for each model version of each round.

What each figure means is written in docs/quality.md; what it is counted from is read in `insights/round_facts.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from common.stats.intervals import difference, ratio, wilson
from insights.phrases import asks, holding, overused, phrases_of, refuses, told_apart
from insights.report_types import CutShare, Share, share
from insights.round_facts import Flagged, Graded, Judged, Thumbed, Written
from insights.round_types import Phrase, VersionRow

Key = tuple[int | None, str]  # round, model version

Phrases = list[set[str]]


@dataclass
class Facts:
    """What is known of one model version in one round."""

    judged: list[Judged] = field(default_factory=list)
    flagged: list[Flagged] = field(default_factory=list)
    thumbed: list[Thumbed] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    graded: list[Graded] = field(default_factory=list)
    cut: CutShare | None = None


def gathered(
    judged: Iterable[Judged],
    flagged: Iterable[Flagged],
    thumbed: Iterable[Thumbed],
    written: Iterable[Written],
    graded: Iterable[Graded],
    cut: Iterable[CutShare],
) -> dict[Key, Facts]:
    found: dict[Key, Facts] = defaultdict(Facts)
    for answers in judged:
        found[answers.round, answers.model].judged.append(answers)
    for flag in flagged:
        found[flag.round, flag.model].flagged.append(flag)
    for thumb in thumbed:
        found[thumb.round, thumb.model].thumbed.append(thumb)
    for text in written:
        found[text.round, text.model].written.append(text)
    for grade in graded:
        found[grade.round, grade.model].graded.append(grade)
    for row in cut:
        found[row["round"], row["model"]].cut = row
    return dict(sorted(found.items(), key=lambda item: (item[0][0] is None, item[0][0] or 0, item[0][1])))


def version(key: Key, facts: Facts, flags: Sequence[str], baseline: Phrases) -> VersionRow:
    """`flags` are the names to count; without a baseline no phrase is called overused."""
    worn, phrases = _worn(facts.written, baseline)
    phrasings, same_prompt, sensitivity = rephrasing(facts.graded)
    answers = sum(row.answers for row in facts.judged)
    return {
        "round": key[0],
        "model": key[1],
        "judged": answers,
        "flags": {name: _flag(name, facts) for name in flags},
        "thumbs": _thumbs(facts.thumbed),
        "reasons": _reasons(facts.thumbed),
        "cut": _cut(facts.cut),
        "characters": sum(row.characters for row in facts.judged) / answers if answers else None,
        "asks": _seen(facts.written, [asks(row.text) for row in facts.written]),
        "refuses": _seen(facts.written, [refuses(row.text) for row in facts.written]),
        "worn": worn,
        "phrases": phrases,
        "phrasings": phrasings,
        "same_prompt": same_prompt,
        "sensitivity": sensitivity,
    }


def _flag(name: str, facts: Facts) -> Share:
    """Of the judged answers; whole prompts are resampled."""
    carried: Counter[str] = Counter()
    for row in facts.flagged:
        if row.flag == name:
            carried[row.prompt] += row.answers
    rows = facts.judged
    return share(
        ratio([carried[row.prompt] for row in rows], [row.answers for row in rows], [row.prompt for row in rows])
    )


def _thumbs(rows: Sequence[Thumbed]) -> Share:
    """Thumbs down, of all; whole dialogues are resampled."""
    return share(ratio([not row.up for row in rows], [1.0] * len(rows), [str(row.dialogue) for row in rows]))


def _reasons(rows: Sequence[Thumbed]) -> dict[str, int]:
    named = Counter(reason for row in rows if not row.up for reason in row.reasons)
    return dict(sorted(named.items()))


def _cut(row: CutShare | None) -> Share | None:
    """Answers are not told apart by prompt there: Wilson's interval."""
    if row is None:
        return None
    low, high = wilson(row["share"], row["answers"])
    return {"value": row["share"], "low": low, "high": high, "clusters": row["answers"], "n": row["answers"]}


def _seen(rows: Sequence[Written], found: Sequence[bool]) -> Share:
    return share(ratio(found, [1.0] * len(rows), [row.prompt for row in rows]))


def _worn(rows: Sequence[Written], baseline: Phrases) -> tuple[Share | None, list[Phrase]]:
    """Answers that hold an overused phrase, and the first few of the phrases."""
    if not baseline or not rows:
        return None, []
    held = [phrases_of(row.text) for row in rows]
    found = overused(held, baseline)
    return _seen(rows, holding(held, found)), told_apart(found)


def rephrasing(rows: Sequence[Graded]) -> tuple[Share, Share, Share]:
    """The mean difference of grades between two answers to different phrasings of one question; between two answers to
    one phrasing; and by how much the first is more. Groups of paraphrases are the units."""
    by_group: dict[str, list[Graded]] = defaultdict(list)
    for row in rows:
        by_group[row.group].append(row)
    sums = np.zeros((len(by_group), 4))  # differing, pairs: of different phrasings; then of one
    for at, answers in enumerate(by_group.values()):
        for one, other in combinations(answers, 2):
            column = 2 if one.phrasing == other.phrasing else 0
            sums[at, column] += abs(one.grade - other.grade)
            sums[at, column + 1] += 1
    units = np.arange(len(sums))
    across, within = (sums[:, 0], sums[:, 1]), (sums[:, 2], sums[:, 3])
    return share(ratio(*across, units)), share(ratio(*within, units)), share(difference(across, within, units))
