"""The report by round of a project: made by the beat task, kept as of an instant, read by its page.

What it holds is described in `insights/round_types.py`. Rankings are read as the reports read them: bring those up to
date first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from django.utils import timezone

from insights import reports, round_facts
from insights.ai_judges import ai_judges
from insights.cut_answers import cut_answers
from insights.limitations import Facts, Key, gathered, version
from insights.models import Report, RoundsReport
from insights.phrases import phrases_of
from insights.report_parts import SHAPE as REPORT_SHAPE
from insights.report_parts import storable
from insights.report_types import ReportData, Share
from insights.rewards import rewards
from insights.round_types import RoundRow, RoundsData
from labeling.models import Project
from sampler.models import ModelVersion

SHAPE = 2  # of the dictionaries: a kept report of another shape is as good as none
RENEWED = timedelta(minutes=10)  # at the soonest, while rankings come in
OLD = timedelta(hours=1)  # thumbs and scores are looked for this often, whether rankings come in or not
ENOUGH = 50  # answers of people, for a baseline of phrases


def rounds_of(project: Project) -> RoundsData | None:
    """The last report by round, made now where there is little to read. None: the next beat makes it."""
    found = last_of(project)
    if found is None and reports.quickly_read(project):
        reports.insights_of(project)
        refresh(project, changed=True)
        found = last_of(project)
    return found


def last_of(project: Project) -> RoundsData | None:
    """The last report by round, if there is one."""
    found = _kept(project)
    if found is None:
        return None
    data: RoundsData = found.data
    return {**data, "as_of": found.as_of.isoformat()}


def refresh(project: Project, *, changed: bool) -> bool:
    """Make it anew where it is due; `changed`: rankings have come in or gone since the last time."""
    kept, now = _kept(project), timezone.now()
    if kept and now - kept.as_of < (RENEWED if changed else OLD):
        return False
    began = time.monotonic()
    data = cast(RoundsData, storable(build(project)))
    took = round(1000 * (time.monotonic() - began))
    RoundsReport.objects.update_or_create(project=project, defaults={"as_of": now, "data": data, "took_ms": took})
    return True


def _kept(project: Project) -> RoundsReport | None:
    return RoundsReport.objects.filter(project=project, data__shape=SHAPE).first()


def build(project: Project) -> RoundsData:
    facts = gathered(
        round_facts.judged(project),
        round_facts.flagged(project),
        round_facts.thumbed(project),
        round_facts.written(project),
        round_facts.graded(project),
        cut_answers(project, None),
    )
    told, first, baseline = _baseline(project, facts)
    held = [phrases_of(text) for text in baseline]
    flags = [str(name) for name in project.flags]
    return {
        "shape": SHAPE,
        "rounds": _rounds(project),
        "rewards": rewards(round_facts.scored(project)),
        "judges": ai_judges(project),
        "versions": [version(key, of_it, flags, [] if key[1] == first else held) for key, of_it in facts.items()],
        "baseline": told,
    }


def _rounds(project: Project) -> list[RoundRow]:
    """From the reports of the rounds, which are made before."""
    kept: dict[int | None, ReportData] = {
        report.data["round"]: report.data for report in Report.objects.filter(project=project, data__shape=REPORT_SHAPE)
    }
    people: dict[int, Share] = {}
    if None in kept:
        people = {row["round"]: row for row in kept[None]["agreement"]["by_round"]}
    return [
        {"round": number, "duel": kept[number]["ratings"]["new_against_previous"], "people": people.get(number)}
        for number in sorted(number for number in kept if number is not None)
    ]


def _baseline(project: Project, facts: dict[Key, Facts]) -> tuple[str, str | None, Sequence[str]]:
    """What phrases are held against: what it is, the model version that is not held against itself, and its texts."""
    texts = round_facts.by_people(project)
    if len(texts) >= ENOUGH:
        return f"{len(texts):,} answers that people wrote in demonstrations", None, texts
    wrote = {model for (_, model), of_it in facts.items() if of_it.written}
    first = ModelVersion.objects.filter(slug__in=wrote).order_by("created_at", "pk").first()
    if first is None:
        return "", None, []
    texts = [row.text for (_, model), of_it in facts.items() if model == first.slug for row in of_it.written]
    return f"{len(texts):,} answers of the first model version, {first.slug}", first.slug, texts
