"""Many judgements at once, written below the domain functions: only for tests of figures and of speed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.utils import timezone

from accounts.models import User
from insights import reports
from insights.explanations import Known, known
from insights.report_types import Interval, ReportData
from labeling.models import Assignment, Candidate, Comparison, Project, Ranking, Round
from sampler.models import Completion, ModelVersion


def report_of(project: Project, round_: Round | None = None) -> ReportData:
    """The project's report, which is there."""
    found = reports.insights_of(project, round_)
    assert found is not None
    return found


def whole(found: Interval | None) -> Known:
    """A figure of which the interval is known."""
    assert found is not None
    told = known(found)
    assert told is not None
    return told


def make_votes(
    project: Project,
    trainers: Sequence[User],
    models: Sequence[ModelVersion],
    *,
    comparisons: int,
    k: int = 4,
    votes: int = 1,
    seed: int = 0,
    score: Callable[[np.random.Generator, int, int, int], float] | None = None,
) -> None:
    """Closed comparisons with `votes` rankings each; `score(rng, model, length, place)` orders them."""
    rng = np.random.default_rng(seed)
    judge = score or (lambda rng, model, length, place: rng.gumbel())
    now = timezone.now()
    round_ = project.rounds.first()
    guideline = project.guidelines.first()
    rows = Rows()
    for number in range(comparisons):
        comparison = Comparison(
            project=project, round=round_, state="closed", opened_at=now, closed_at=now, k=k, votes_wanted=votes,
            prompt=[{"role": "user", "content": f"Question {number}?"}], prompt_key=f"{seed}-{number}", split="train",
        )  # fmt: skip
        rows.comparisons.append(comparison)
        texts = _texts(rows, comparison, models, k, rng)
        for slot in range(votes):
            order = [texts[at].key for at in rng.permutation(k)]
            scores = {text.key: judge(rng, text.model, text.length, order.index(text.key)) for text in texts}
            groups = [[cid] for cid in sorted(scores, key=lambda cid: -scores[cid])]
            trainer = trainers[(number + slot) % len(trainers)]
            assignment = Assignment(
                comparison=comparison, trainer=trainer, slot=slot, state="submitted", order_shown=order, order_seed=1,
                heartbeat_at=now, expires_at=now,
            )  # fmt: skip
            rows.assignments.append(assignment)
            rows.rankings.append(Ranking(
                id=uuid.uuid4(), assignment=assignment, comparison=comparison, trainer=trainer, order_shown=order,
                groups=groups, submitted_at=now, guideline_version=guideline, seconds=30,
            ))  # fmt: skip
    rows.store()


@dataclass
class Rows:
    """What is written, in the order in which it refers to what stands before it."""

    comparisons: list[Comparison] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    rankings: list[Ranking] = field(default_factory=list)

    def store(self) -> None:
        Comparison.objects.bulk_create(self.comparisons, batch_size=5000)
        Completion.objects.bulk_create(self.completions, batch_size=5000)
        Candidate.objects.bulk_create(self.candidates, batch_size=5000)
        Assignment.objects.bulk_create(self.assignments, batch_size=5000)
        Ranking.objects.bulk_create(self.rankings, batch_size=5000)


class Text(NamedTuple):
    key: str
    model: int
    length: int


def _texts(
    rows: Rows, comparison: Comparison, models: Sequence[ModelVersion], k: int, rng: np.random.Generator
) -> list[Text]:
    """The candidates of a comparison: a random model and length each."""
    texts = []
    for index in range(k):
        model = int(rng.integers(len(models)))
        length = int(rng.lognormal(4, 0.6)) + 1
        completion = Completion(model_version=models[model], text="x" * length, finish_reason="provided")
        rows.completions.append(completion)
        rows.candidates.append(Candidate(comparison=comparison, completion=completion, index=index))
        texts.append(Text(str(completion.pk), model, length))
    return texts


def multiply(project: Project, times: int) -> None:
    """Copy every comparison of the project, with its candidates, leases and rankings, so often; in SQL, for
    tests of speed at a million pairs. Copies share the completions of the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TEMP TABLE copies ON COMMIT DROP AS SELECT c.id AS old, n, gen_random_uuid() AS new
               FROM labeling_comparison c, generate_series(1, %s) n WHERE c.project_id = %s""",
            [times, project.pk],
        )
        cursor.execute("CREATE INDEX ON copies (old)")
        cursor.execute(
            """CREATE TEMP TABLE leases ON COMMIT DROP AS SELECT a.id AS old, x.n, x.new AS comparison,
               gen_random_uuid() AS new FROM labeling_assignment a JOIN copies x ON x.old = a.comparison_id"""
        )
        cursor.execute("CREATE INDEX ON leases (old)")
        own = {"id": "x.new", "prompt_key": "t.prompt_key || '-' || x.n", "content_hash": "''"}
        _copy(cursor, Comparison, "JOIN copies x ON x.old = t.id", own)
        within = {"id": "gen_random_uuid()", "comparison_id": "x.new"}
        _copy(cursor, Candidate, "JOIN copies x ON x.old = t.comparison_id", within)
        _copy(cursor, Assignment, "JOIN leases x ON x.old = t.id", {"id": "x.new", "comparison_id": "x.comparison"})
        given = {"id": "gen_random_uuid()", "assignment_id": "x.new", "comparison_id": "x.comparison"}
        _copy(cursor, Ranking, "JOIN leases x ON x.old = t.assignment_id", given)
        cursor.execute("ANALYZE")


def _copy(cursor: CursorWrapper, model: type[Model], joined: str, changed: dict[str, str]) -> None:
    columns = [column.column for column in model._meta.concrete_fields]
    values = [changed.get(str(column), f't."{column}"') for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {table} t {joined}")
