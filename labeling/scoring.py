"""A project's completions under a reward model: which are to be scored, and how far it agrees with trainers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypedDict
from uuid import UUID

from django.db.models import Avg, Count, QuerySet

from common.shapes import Message
from common.stats import intervals
from common.visible import visible
from labeling.models import Assignment, Candidate, Comparison, Project, Ranking
from labeling.preferences import Groups, strict_pairs
from sampler import rewards
from sampler.classifiers.base import Classifier
from sampler.models import ModelVersion, RewardScore

SPLITS = ("test", "train")


class Counts(TypedDict):
    """How many completions there are, and when they were scored."""

    completions: int
    scored_before: int
    scored_now: int


class Agreement(TypedDict):
    """How far scores agree with trainers on one split; `low` to `high` is a 95% interval."""

    rankings: int
    comparisons: int
    pairs: int
    agreement: float | None
    low: float | None
    high: float | None


class Mean(TypedDict):
    n: int
    mean: float | None


def candidates(project: Project, *, round: int | None = None) -> QuerySet[Candidate]:
    """Candidates of the project's comparisons that were ready to be ranked; of one round, if given."""
    ready = Candidate.objects.filter(comparison__project=project, comparison__state__in=Comparison.READY)
    return ready if round is None else ready.filter(comparison__round__number=round)


def to_score(project: Project, *, round: int | None = None) -> QuerySet[Candidate]:
    """Candidates that are all there: of comparisons that are ready, or that wait for their scores to be chosen."""
    held = Candidate.objects.filter(
        comparison__project=project, comparison__state=Comparison.State.SAMPLING, comparison__held_at__isnull=False
    )
    held = held if round is None else held.filter(comparison__round__number=round)
    return candidates(project, round=round) | held


def score_project(
    *,
    project: Project,
    reward_model: ModelVersion,
    round: int | None = None,
    classifier: Classifier | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counts:
    """Score what is not scored yet; return how many are there, were scored before and now.

    Nothing is loaded where nothing is to be done, or where a `classifier` that is loaded is handed in.

    Raises:
        ValueError: the reward model cannot be used.
    """
    found = to_score(project, round=round)
    ids = set(found.values_list("completion_id", flat=True))
    missing = rewards.unscored(reward_model, ids)
    if missing:
        loaded = classifier or rewards.load(reward_model)
        try:
            rewards.score(
                model_version=reward_model,
                items=_items(found, missing),
                classifier=loaded,
                progress=lambda done: progress(done, len(missing)),
            )
        finally:
            if loaded is not classifier:
                loaded.close()
    return {"completions": len(ids), "scored_before": len(ids) - len(missing), "scored_now": len(missing)}


def _items(found: QuerySet[Candidate], missing: set[UUID]) -> Iterator[rewards.Item]:
    rows = found.filter(completion__in=missing).select_related("completion", "comparison").order_by("completion")
    last = None
    for candidate in rows.iterator(chunk_size=500):
        if candidate.completion_id == last:  # a repeat shows the same completions again
            continue
        last = candidate.completion_id
        answer = Message(role="assistant", content=candidate.completion.text.strip())
        yield candidate.completion_id, [*candidate.comparison.prompt, answer]


def agreement(*, project: Project, reward_model: ModelVersion, round: int | None = None) -> dict[str, Agreement]:
    """For each split: the share of the trainers' strict pairs that the scores put the same way.

    Only votes in force on ordinary comparisons, every pair once for every judge; equal scores count half,
    pairs of equal text not at all.
    """
    scored = _scored(project, reward_model, round)
    votes = _votes(project, round).values_list("comparison_id", "comparison__split", "groups")
    by_split: dict[str, list[tuple[UUID, Groups]]] = {split: [] for split in SPLITS}
    for comparison, split, groups in votes:
        if split in by_split:
            by_split[split].append((comparison, groups))
    return {split: _agreement(rankings, scored) for split, rankings in by_split.items()}


def _votes(project: Project, round: int | None) -> QuerySet[Ranking]:
    rankings = Ranking.objects.in_force().filter(
        comparison__project=project,
        comparison__kind=Comparison.Kind.NORMAL,
        comparison__state__in=Comparison.READY,
        kind=Assignment.Kind.VOTE,
        not_rankable="",
    )
    return rankings if round is None else rankings.filter(comparison__round__number=round)


def _scored(project: Project, reward_model: ModelVersion, round: int | None) -> dict[str, tuple[float, str]]:
    """(score, text) of each completion that has one, by its id."""
    found = RewardScore.objects.filter(
        model_version=reward_model, completion__in=candidates(project, round=round).values("completion")
    )
    rows = found.values_list("completion_id", "score", "completion__text")
    return {str(completion): (value, visible(text)) for completion, value, text in rows}


def _agreement(rankings: Sequence[tuple[UUID, Groups]], scored: Mapping[str, tuple[float, str]]) -> Agreement:
    """The interval resamples whole comparisons, as their pairs are not independent."""
    clusters: list[str] = []
    agreed: list[float] = []
    used = 0
    for comparison, groups in rankings:
        pairs = [
            (scored[chosen][0], scored[rejected][0])
            for chosen, rejected in strict_pairs(groups)
            if chosen in scored and rejected in scored and scored[chosen][1] != scored[rejected][1]
        ]
        used += bool(pairs)
        clusters += [str(comparison)] * len(pairs)
        agreed += [1.0 if better > worse else 0.5 if better == worse else 0.0 for better, worse in pairs]
    estimate = intervals.ratio(agreed, [1.0] * len(agreed), clusters)
    return {
        "rankings": used,
        "comparisons": estimate.clusters,
        "pairs": len(agreed),
        "agreement": _rounded(estimate.value),
        "low": _rounded(estimate.low),
        "high": _rounded(estimate.high),
    }


def mean_scores(*, project: Project, reward_model: ModelVersion, round: int | None = None) -> dict[str, Mean]:
    """Mean score and count of the completions of each model version; comparable only over the same prompts."""
    found = RewardScore.objects.filter(
        model_version=reward_model, completion__in=candidates(project, round=round).values("completion")
    )
    means = found.values("completion__model_version__slug").annotate(mean=Avg("score"), n=Count("pk")).order_by()
    return {
        row["completion__model_version__slug"] or "others": {"n": row["n"], "mean": _rounded(row["mean"])}
        for row in means.order_by("completion__model_version__slug")
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
