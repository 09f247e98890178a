"""What came of a round: read from the project's own comparisons and rankings, told with its small n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from common.stats import intervals
from labeling.models import Candidate, Project, Ranking
from labeling.preferences import ranks
from operations.loop import rule
from sampler.models import ModelVersion


@dataclass(frozen=True)
class Versus:
    """New against old, over the same prompts of one round."""

    prompts: int
    old_answers: int
    new_answers: int
    old_mean: float | None
    new_mean: float | None
    pairs: int
    win_rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Row:
    round: int
    old: str
    new: str
    reward_model: str
    rankings: int
    pairs: int  # exported, all rounds so far
    rm_pairs: int
    rm_accuracy: float | None
    rm_low: float | None
    rm_high: float | None
    best_of: int
    everywhere: Versus
    held_out: Versus

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def versus(*, project: Project, round: int, old: ModelVersion, new: ModelVersion, split: str = "") -> Versus:
    """From the comparisons of the round that mixes both: means of the rule's measure, and the share of
    (new, old) pairs that new won, a tie counting half. The interval resamples prompts, not pairs."""
    found = Candidate.objects.filter(comparison__project=project, comparison__round__number=round)
    rankings = Ranking.objects.in_force().filter(comparison__project=project, comparison__round__number=round)
    if split:
        found, rankings = found.filter(comparison__split=split), rankings.filter(comparison__split=split)
    writer: dict[str, UUID | None] = {}
    values: dict[UUID, list[int]] = {old.pk: [], new.pk: []}
    rows = found.values_list("completion_id", "completion__model_version_id", "completion__text", "comparison_id")
    prompts = set()
    for completion, version, text, comparison in rows:
        writer[str(completion)] = version
        prompts.add(comparison)
        if version is not None and version in values:
            values[version].append(rule.measure(text))
    won, clusters = [], []
    for comparison, groups in rankings.values_list("comparison_id", "groups"):
        place = ranks(groups)
        for mine in (cid for cid in place if writer.get(cid) == new.pk):
            for other in (cid for cid in place if writer.get(cid) == old.pk):
                won.append(1.0 if place[mine] < place[other] else 0.5 if place[mine] == place[other] else 0.0)
                clusters.append(str(comparison))
    estimate = intervals.ratio(won, [1.0] * len(won), clusters)
    return Versus(
        prompts=len(prompts),
        old_answers=len(values[old.pk]),
        new_answers=len(values[new.pk]),
        old_mean=_mean(values[old.pk]),
        new_mean=_mean(values[new.pk]),
        pairs=len(won),
        win_rate=_rounded(estimate.value),
        low=_rounded(estimate.low),
        high=_rounded(estimate.high),
    )


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of text."""
    head = ("round", "rankings", "pairs", "RM held-out accuracy", "prompts", "commas old -> new", "win rate new vs old")
    lines = [head]
    for row in rows:
        accuracy = f"{_share(row.rm_accuracy, row.rm_low, row.rm_high)} of {row.rm_pairs}"
        for name, one in (("all", row.everywhere), ("held out", row.held_out)):
            first = name == "all"
            lines.append(
                (
                    str(row.round) if first else "",
                    str(row.rankings) if first else "",
                    str(row.pairs) if first else "",
                    accuracy if first else "",
                    f"{name} {one.prompts}",
                    f"{_number(one.old_mean)} -> {_number(one.new_mean)} (n {one.old_answers}, {one.new_answers})",
                    f"{_share(one.win_rate, one.low, one.high)} of {one.pairs} pairs",
                )
            )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _share(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.2f} [{low:.2f}, {high:.2f}]" if low is not None and high is not None else f"{value:.2f}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _mean(values: Sequence[int]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
