"""Filters are asked of texts. One that is down or answers nonsense is told apart from one that found nothing."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from screening.filters.base import FILTERS, Filter, FilterDown
from screening.models import Verdict
from screening.rules import Plan, Rule, judge

logger = logging.getLogger(__name__)
Action = Verdict.Action


@dataclass(frozen=True)
class Finding:
    """What one filter said of one text; `failed` says why it said nothing."""

    filter: str
    version: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    action: Verdict.Action = Action.NONE
    category: str = ""
    failed: str = ""


Findings = tuple[Finding, ...]
NOTHING: Findings = ()
FIRST_PIECE = 8  # texts
PIECE_SECONDS = 1.0
TRIES_OF_ONE = 3  # single texts in a row without a word: then it is the filter, not a text


def ask(plan: Plan, texts: Sequence[str]) -> list[Findings]:
    """What each filter of the plan says of each text, all texts of a filter in one call. Never raises."""
    if not texts:
        return []
    columns = [_ask_one(rule, texts) for rule in plan.rules]
    return [tuple(column[i] for column in columns) for i in range(len(texts))]


def ask_in_pieces(
    plan: Plan, texts: Mapping[UUID, str], *, seconds: float | None = None
) -> Iterator[dict[UUID, Findings]]:
    """What the plan's filters say, some texts at a time: as many as take about a second, for at most `seconds`.

    A piece on which every filter failed is asked again in smaller ones, so that a text that breaks a filter stands
    alone; a filter that is down is left after a few texts.
    """
    waiting, size, failures = list(texts), FIRST_PIECE, 0
    until = None if seconds is None else monotonic() + seconds
    while waiting and failures < TRIES_OF_ONE and (until is None or monotonic() < until):
        began, piece = monotonic(), waiting[:size]
        said = ask(plan, [texts[key] for key in piece])
        failed = all(one.failed for findings in said for one in findings)
        if failed and len(piece) > 1:
            size = len(piece) // 2
            continue
        failures = failures + 1 if failed else 0
        del waiting[: len(piece)]
        yield dict(zip(piece, said, strict=True))
        slow = monotonic() - began > PIECE_SECONDS
        size = max(1, size // 2) if slow or failed else size * 2


def _ask_one(rule: Rule, texts: Sequence[str]) -> list[Finding]:
    try:
        chosen = FILTERS.load(rule.filter)
        found = checked(chosen, chosen.score(texts), len(texts))
        version = chosen.version[:40]
    except Exception as error:  # a filter's own fault must not take a message or a worker with it
        if not isinstance(error, FilterDown):
            logger.exception("filter %s broke", rule.filter)
        failed = Finding(rule.filter, failed=(str(error) or type(error).__name__)[:200])
        return [failed] * len(texts)
    findings = []
    for scores in found:
        action, category = judge(scores, rule.limits)
        findings.append(Finding(rule.filter, version, scores, action, category))
    return findings


def checked(chosen: Filter, found: Sequence[Mapping[str, float]], count: int) -> Sequence[Mapping[str, float]]:
    """The scores as they came, if they are scores.

    Raises:
        FilterDown: another number of texts, categories that it does not have, or numbers that are not from 0 to 1.
    """
    if len(found) != count:
        raise FilterDown(f"The filter was asked about {count} texts and answered about {len(found)}.")
    known = chosen.categories
    for scores in found:
        for category, score in scores.items():
            if category not in known:
                raise FilterDown(f"The filter answered with a category that it does not have: {category[:60]!r}.")
            if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
                raise FilterDown(f"The filter answered with something that is not a score for {category}.")
            if not 0 <= score <= 1:
                raise FilterDown(f"The filter answered with {score:g} for {category}, which is not from 0 to 1.")
    return found


def blocked_by(findings: Findings) -> str:
    """The category for which the text is blocked; empty where it is not."""
    return next((one.category for one in findings if one.action == Action.BLOCK), "")


def missing(plan: Plan, findings: Findings) -> bool:
    """Whether a filter that the text waits for has not spoken."""
    said = {one.filter for one in findings if not one.failed}
    return plan.waits and any(rule.blocks and rule.filter not in said for rule in plan.rules)
