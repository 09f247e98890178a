"""Filters are asked of texts. One that is down or answers nonsense is told apart from one that found nothing."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from screening.filters.base import FILTERS, Filter, FilterDown
from screening.models import Verdict
from screening.rules import Plan, Rule, harms_in, judge

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
    harms: Sequence[str] = ()  # every category that warns or blocks


Findings = tuple[Finding, ...]
NOTHING: Findings = ()


def ask(plan: Plan, texts: Sequence[str]) -> list[Findings]:
    """What each filter of the plan says of each text, all texts of a filter in one call. Never raises."""
    if not texts:
        return []
    columns = [_ask_one(rule, texts) for rule in plan.rules]
    return [tuple(column[i] for column in columns) for i in range(len(texts))]


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
        harms = harms_in(scores, rule.limits)
        findings.append(Finding(rule.filter, version, scores, action, category, harms=harms))
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
