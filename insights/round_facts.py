"""What the report by round is counted from: each function one statement over a project, as plain rows.

Rankings come from the judgements in force (`insights/models.py`), without those that adaptive overlap asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Count, F

from labeling.models import Dialogue, Project, Turn, TurnFeedback

SAMPLE = 400  # texts of a model version in a round that are looked at; ids are random, so the first are a sample
BASELINE = 2000  # answers of people

_VOTES = "j.project_id = %(project)s AND j.kind = 'vote' AND NOT j.extra"
_SOURCE = "coalesce(m.slug, nullif(t.model_label, ''), 'not said')"

Fact = TypeVar("Fact", bound=tuple[object, ...])


class Judged(NamedTuple):
    """Answers of a model version to one prompt, once a ranking."""

    round: int | None
    model: str
    prompt: str
    answers: int
    characters: int


class Flagged(NamedTuple):
    round: int | None
    model: str
    prompt: str
    flag: str
    answers: int


class Graded(NamedTuple):
    """An answer to one phrasing of a question, with the mean of its grades."""

    round: int | None
    model: str
    group: str
    phrasing: UUID
    grade: float


class Written(NamedTuple):
    """A text of the sample."""

    round: int | None
    model: str
    prompt: str
    text: str


class Scored(NamedTuple):
    """A ranking of a held-out comparison, of which a reward model scored every answer."""

    round: int | None
    model: str
    prompt: str
    ranks: list[int]
    lengths: list[int]
    scores: list[float]


class Thumbed(NamedTuple):
    round: int | None
    model: str
    dialogue: UUID
    up: bool
    reasons: list[str]
    times: int


_JUDGED = f"""
SELECT n.number, s.source, j.prompt_key, count(*), sum(s.length)
FROM insights_judgement j LEFT JOIN labeling_round n ON n.id = j.round_id
CROSS JOIN LATERAL unnest(j.sources, j.lengths) s(source, length)
WHERE {_VOTES} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_FLAGGED = f"""
SELECT n.number, {_SOURCE}, j.prompt_key, f.flag, count(*)
FROM insights_judgement j
JOIN labeling_ranking r ON r.id = j.ranking_id AND r.flags <> '{{}}'
LEFT JOIN labeling_round n ON n.id = j.round_id
CROSS JOIN LATERAL jsonb_each(r.flags) e(cid, names)
CROSS JOIN LATERAL jsonb_array_elements_text(e.names) f(flag)
JOIN sampler_completion t ON t.id = e.cid::uuid
LEFT JOIN sampler_modelversion m ON m.id = t.model_version_id
WHERE {_VOTES} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_GRADED = f"""
SELECT n.number, s.source, p.paraphrases, p.id, avg(s.grade)::float
FROM insights_judgement j
JOIN labeling_comparison c ON c.id = j.comparison_id
JOIN labeling_prompt p ON p.id = c.pool_prompt_id AND p.paraphrases <> ''
LEFT JOIN labeling_round n ON n.id = j.round_id
CROSS JOIN LATERAL unnest(j.sources, j.grades) WITH ORDINALITY s(source, grade, place)
WHERE {_VOTES} AND s.grade IS NOT NULL GROUP BY 1, 2, 3, 4, c.id, s.place ORDER BY 1, 2, 3, 4, c.id, s.place
"""
_WRITTEN = f"""
SELECT n.number, {_SOURCE}, x.prompt_key, t.text FROM (
    SELECT d.completion_id, c.round_id, c.prompt_key, row_number() OVER (
        PARTITION BY c.round_id, t.model_version_id, t.model_label ORDER BY d.completion_id) AS place
    FROM labeling_comparison c
    JOIN labeling_candidate d ON d.comparison_id = c.id
    JOIN sampler_completion t ON t.id = d.completion_id
    WHERE c.project_id = %(project)s AND c.kind = 'normal' AND c.state IN ('open', 'closed')) x
JOIN sampler_completion t ON t.id = x.completion_id
LEFT JOIN sampler_modelversion m ON m.id = t.model_version_id
LEFT JOIN labeling_round n ON n.id = x.round_id
WHERE x.place <= {SAMPLE} ORDER BY 1, 2, x.completion_id
"""
_SCORED = f"""
SELECT n.number, m.slug, j.prompt_key, j.ranks, j.lengths, s.scores
FROM insights_judgement j
JOIN labeling_comparison c ON c.id = j.comparison_id AND c.split = 'test'
LEFT JOIN labeling_round n ON n.id = j.round_id
CROSS JOIN LATERAL (
    SELECT w.model_version_id, array_agg(w.score ORDER BY d.index) AS scores
    FROM labeling_candidate d JOIN sampler_rewardscore w ON w.completion_id = d.completion_id
    WHERE d.comparison_id = c.id GROUP BY 1) s
JOIN sampler_modelversion m ON m.id = s.model_version_id
WHERE {_VOTES} AND cardinality(s.scores) = cardinality(j.ranks) ORDER BY 1, 2, j.ranking_id
"""


def judged(project: Project) -> list[Judged]:
    return _rows(_JUDGED, project, Judged)


def flagged(project: Project) -> list[Flagged]:
    return _rows(_FLAGGED, project, Flagged)


def graded(project: Project) -> list[Graded]:
    """Of prompts that belong to a group of paraphrases."""
    return _rows(_GRADED, project, Graded)


def written(project: Project) -> list[Written]:
    """A sample of the texts drawn for comparisons, by model version and round."""
    return _rows(_WRITTEN, project, Written)


def scored(project: Project) -> list[Scored]:
    return _rows(_SCORED, project, Scored)


def thumbed(project: Project) -> list[Thumbed]:
    found = TurnFeedback.objects.filter(
        turn__dialogue__project=project,
        kind=TurnFeedback.Kind.GIVEN,
        turn__completion__model_version__isnull=False,
        thumb_up__isnull=False,
    )
    rows = found.order_by("pk").values_list(
        "turn__dialogue__round__number", "turn__completion__model_version__slug", "turn__dialogue", "thumb_up",
        "reasons",
    ).annotate(n=Count("pk"))  # fmt: skip
    return [Thumbed(*row) for row in rows]


def by_people(project: Project) -> Sequence[str]:
    """Assistant turns that people wrote themselves, in demonstrations handed in."""
    turns = Turn.objects.filter(
        dialogue__project=project, dialogue__kind=Dialogue.Kind.DEMONSTRATION, role=Turn.Role.ASSISTANT,
        dialogue__state=Dialogue.State.SUBMITTED, completion=None,
    )  # fmt: skip
    return list(turns.order_by(F("pk")).values_list("text", flat=True)[:BASELINE])


def _rows(statement: str, project: Project, fact: type[Fact]) -> list[Fact]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": project.pk})
        return [fact(*row) for row in cursor.fetchall()]
