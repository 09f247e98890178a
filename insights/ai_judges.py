"""AI judges against people: how far they agree on the same pairs, and what the verdicts lean to.

Every two answers were judged in both orders (`labeling/ai_judges/`). A judge prefers an answer where it does in both;
what changes with the order is undecided and shows how much the place alone counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from common.stats.intervals import ratio
from insights.report_types import Share, share
from insights.round_types import JudgeRow
from labeling.ai_judges.orders import decided, of_pair
from labeling.models import Project

NEWEST = 20_000  # judgements of a judge that are looked at


class Judged(NamedTuple):
    """A comparison that a judge judged. Answers are named by their place in storage."""

    judge: int
    model: str
    comparison: UUID
    prompt: str
    firsts: list[str]
    seconds: list[str]
    said: list[str]


class Vote(NamedTuple):
    """A person's ranking of a comparison, over its answers in storage order."""

    ranks: list[int]
    lengths: list[int]
    sources: list[str]


_JUDGED = """
SELECT g.number, m.slug, x.id, x.prompt_key, v.firsts, v.seconds, v.said FROM (
    SELECT c.id, c.prompt_key, j.id AS judgement, j.judge_id FROM labeling_aijudgement j
    JOIN labeling_comparison c ON c.id = j.comparison_id AND c.state IN ('open', 'closed')
    WHERE j.judge_id = %(judge)s AND j.judged_at IS NOT NULL
    ORDER BY j.judged_at DESC LIMIT %(newest)s) x
JOIN labeling_aijudge g ON g.id = x.judge_id
JOIN sampler_modelversion m ON m.id = g.model_version_id
CROSS JOIN LATERAL (
    SELECT array_agg(i.index::text ORDER BY w.id) AS firsts, array_agg(k.index::text ORDER BY w.id) AS seconds,
        array_agg(w.said ORDER BY w.id) AS said
    FROM labeling_aiverdict w
    JOIN labeling_candidate i ON i.comparison_id = x.id AND i.completion_id = w.first_id
    JOIN labeling_candidate k ON k.comparison_id = x.id AND k.completion_id = w.second_id
    WHERE w.judgement_id = x.judgement) v
WHERE v.said IS NOT NULL ORDER BY x.id
"""
_VOTES = """
SELECT j.comparison_id, j.ranks, j.lengths, j.sources FROM insights_judgement j
WHERE j.project_id = %(project)s AND j.kind = 'vote' AND NOT j.extra
    AND j.comparison_id IN (SELECT x.comparison_id FROM labeling_aijudgement x JOIN labeling_aijudge g
        ON g.id = x.judge_id WHERE g.project_id = %(project)s)
ORDER BY j.ranking_id
"""


@dataclass
class _Counted:
    """Points, and the prompt that each belongs to."""

    points: list[float] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)

    def add(self, value: float, prompt: str) -> None:
        self.points.append(value)
        self.prompts.append(prompt)

    def share(self) -> Share:
        return share(ratio(self.points, [1.0] * len(self.points), self.prompts))


def ai_judges(project: Project) -> list[JudgeRow]:
    """One row for each judge that has judged anything."""
    votes: dict[UUID, list[Vote]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_VOTES, {"project": project.pk})
        for comparison, *vote in cursor.fetchall():
            votes[comparison].append(Vote(*vote))
    rows = []
    for pk in project.ai_judges.order_by("number").values_list("pk", flat=True):
        with connection.cursor() as cursor:
            cursor.execute(_JUDGED, {"judge": pk, "newest": NEWEST})
            judged = [Judged(*row) for row in cursor.fetchall()]
        if judged:
            rows.append(row_of(judged, votes))
    return rows


def row_of(judged: Sequence[Judged], votes: dict[UUID, list[Vote]]) -> JudgeRow:
    """The figures of one judge."""
    of_verdicts, changed, against = _Verdicts(), _Counted(), _People(judged[0].model)
    for one in judged:
        of_verdicts.add(one)
        verdicts = dict(zip(zip(one.firsts, one.seconds, strict=True), one.said, strict=True))
        signs: dict[tuple[int, int], int] = {}
        for i, j in combinations(sorted({int(place) for place in one.firsts}), 2):
            found = of_pair(verdicts, str(i), str(j))
            if found is not None:
                changed.add(float(found[0] != found[1]), one.prompt)
                signs[i, j] = decided(*found)
        against.add(one.prompt, signs, votes.get(one.comparison, []))
    return {
        "judge": judged[0].judge, "model": judged[0].model, "comparisons": len(judged),
        "unreadable": of_verdicts.unreadable.share(), "unanswered": of_verdicts.unanswered,
        "first": of_verdicts.first.share(), "ties": of_verdicts.ties.share(), "changed": changed.share(),
        "agreement": against.agreed.share(), "undecided_as_half": against.half.share(),
        "people": against.people.share(), "longer": against.longer.share(),
        "people_longer": against.people_longer.share(), "own": against.own.share(),
        "people_own": against.people_own.share(),
    }  # fmt: skip


@dataclass
class _Verdicts:
    """Each by itself."""

    unreadable: _Counted = field(default_factory=_Counted)
    first: _Counted = field(default_factory=_Counted)
    ties: _Counted = field(default_factory=_Counted)
    unanswered: int = 0

    def add(self, one: Judged) -> None:
        for said in one.said:
            if said == "unanswered":
                self.unanswered += 1
                continue
            self.unreadable.add(float(said == "unreadable"), one.prompt)
            if said == "unreadable":
                continue
            self.ties.add(float(said == "tie"), one.prompt)
            if said != "tie":
                self.first.add(float(said == "first"), one.prompt)


@dataclass
class _People:
    """Pairs that people ordered too."""

    model: str
    agreed: _Counted = field(default_factory=_Counted)
    half: _Counted = field(default_factory=_Counted)
    people: _Counted = field(default_factory=_Counted)
    longer: _Counted = field(default_factory=_Counted)
    people_longer: _Counted = field(default_factory=_Counted)
    own: _Counted = field(default_factory=_Counted)
    people_own: _Counted = field(default_factory=_Counted)

    def add(self, prompt: str, signs: dict[tuple[int, int], int], votes: Sequence[Vote]) -> None:
        for (i, j), sign in signs.items():
            for vote in votes:
                if person := _sign(vote.ranks[j] - vote.ranks[i]):
                    self._pair(prompt, sign, person, vote, i, j)
            for one, other in combinations(votes, 2):
                a, b = _sign(one.ranks[j] - one.ranks[i]), _sign(other.ranks[j] - other.ranks[i])
                if a and b:
                    self.people.add(float(a == b), prompt)

    def _pair(self, prompt: str, sign: int, person: int, vote: Vote, i: int, j: int) -> None:
        self.half.add((1 + sign * person) / 2, prompt)
        if sign:
            self.agreed.add(float(sign == person), prompt)
        if length := _sign(vote.lengths[i] - vote.lengths[j]):
            self.longer.add((1 + sign * length) / 2, prompt)
            self.people_longer.add((1 + person * length) / 2, prompt)
        if own := (vote.sources[i] == self.model) - (vote.sources[j] == self.model):
            self.own.add((1 + sign * own) / 2, prompt)
            self.people_own.add((1 + person * own) / 2, prompt)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
