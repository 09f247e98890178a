"""What came of a round: read from the project's own comparisons, rankings and scores, and from what training wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from uuid import UUID

from common.shapes import JsonObject
from common.stats import intervals
from common.stats.intervals import Estimate
from labeling.models import Candidate, Comparison, Project, Ranking
from labeling.preferences import ranks
from operations.loop.rule import Rule, better
from operations.loop.topics import topic_of
from sampler.models import Completion, ModelVersion, RewardScore


@dataclass(frozen=True)
class Share:
    """A share with its 95% interval, whole topics resampled."""

    value: float | None
    low: float | None
    high: float | None
    pairs: int
    topics: int


@dataclass(frozen=True)
class Answers:
    """What one policy said in a round."""

    answers: int
    measure: float | None  # the rule's, a mean
    characters: float | None
    ended: float | None  # share of all that was drawn, by itself or by a stop string


@dataclass(frozen=True)
class Versus:
    """New against old, over the same prompts of one round, on one side of the split."""

    trainers: Share  # pairs of a new and an old answer that new won by the trainers' rankings; a tie is one half
    rule: Share  # … and by the rule itself
    old: Answers
    new: Answers


Written = tuple[UUID, str, UUID | None]  # comparison, text, model version


def versus(*, project: Project, rule: Rule, round: int, old: ModelVersion, new: ModelVersion, split: str) -> Versus:
    """From the round that mixes both."""
    found = Candidate.objects.filter(
        comparison__project=project, comparison__round__number=round, comparison__split=split
    )
    written: dict[str, Written] = {}
    topics: dict[UUID, str] = {}
    columns = "completion_id", "completion__model_version_id", "completion__text", "comparison_id", "comparison__prompt"
    for completion, version, text, comparison, prompt in found.values_list(*columns):
        written[str(completion)] = (comparison, text, version)
        topics[comparison] = topic_of(prompt)
    rankings = Ranking.objects.in_force().filter(comparison__in=topics, not_rankable="")
    by_trainers: list[tuple[str, float]] = []
    by_rule: list[tuple[str, float]] = []
    for comparison, groups in rankings.values_list("comparison_id", "groups"):
        place = ranks(groups)
        own = [(cid, *written[cid][1:]) for cid in place if cid in written]
        for mine, text, version in own:
            for other, other_text, other_version in own:
                if (version, other_version) == (new.pk, old.pk):
                    higher, even = place[mine] < place[other], place[mine] == place[other]
                    by_trainers.append((topics[comparison], 1.0 if higher else 0.5 if even else 0.0))
                    by_rule.append((topics[comparison], better(rule, text, other_text)))
    said = {
        version.pk: _answers(rule, [text for _, text, by in written.values() if by == version.pk], topics, version)
        for version in (old, new)
    }
    return Versus(_share(by_trainers), _share(by_rule), said[old.pk], said[new.pk])


def _answers(rule: Rule, texts: Sequence[str], comparisons: Iterable[UUID], version: ModelVersion) -> Answers:
    requests = Comparison.objects.filter(pk__in=comparisons).values("requests__request")
    drawn = Completion.objects.filter(request__in=requests, model_version=version)
    reasons = list(drawn.values_list("finish_reason", flat=True))
    return Answers(
        answers=len(texts),
        measure=_mean([rule.measure(text) for text in texts]),
        characters=_mean([len(text.strip()) for text in texts]),
        ended=_mean([float(reason == Completion.FinishReason.STOP) for reason in reasons]),
    )


def reward_accuracy(*, project: Project, rule: Rule, reward_model: ModelVersion) -> Share:
    """Held-out pairs that the rule orders and the scores put the same way."""
    found = []
    for topic, candidates in _scored(project, reward_model):
        for (text, score), (other, lower) in combinations(candidates, 2):
            side = better(rule, text, other)
            if side != 0.5:
                right = (score > lower) == (side == 1.0)
                found.append((topic, 0.5 if score == lower else float(right)))
    return _share(found)


def best_of_curve(*, project: Project, rule: Rule, reward_model: ModelVersion) -> list[JsonObject]:
    """For n = 1 to K, on held-out prompts: how often the answer scored best of n is better than another by the rule.

    Over all choices of n of a comparison's answers; beside its KL from drawing one, log n - (n - 1) / n.
    """
    by_n: dict[int, list[tuple[str, float]]] = {}
    for topic, candidates in _scored(project, reward_model):
        for n in range(1, len(candidates) + 1):
            for some in combinations(candidates, n):
                best = max(some, key=lambda one: one[1])
                others = [better(rule, best[0], text) for text, _ in candidates if text is not best[0]]
                if others:
                    by_n.setdefault(n, []).append((topic, sum(others) / len(others)))
    return [
        {"n": n, "kl": round(math.log(n) - (n - 1) / n, 4), "win_rate": _share(found).value}
        for n, found in sorted(by_n.items())
    ]


def _scored(project: Project, reward_model: ModelVersion) -> list[tuple[str, list[tuple[str, float]]]]:
    """For each held-out comparison its topic, and the texts of its answers with their scores."""
    held_out = Candidate.objects.filter(comparison__project=project, comparison__split="test")
    scores = dict(RewardScore.objects.filter(model_version=reward_model).values_list("completion_id", "score"))
    found: dict[UUID, tuple[str, list[tuple[str, float]]]] = {}
    rows = held_out.order_by("completion_id").values_list(
        "comparison_id", "comparison__prompt", "completion_id", "completion__text"
    )
    for comparison, prompt, completion, text in rows:
        if completion in scores:
            found.setdefault(comparison, (topic_of(prompt), []))[1].append((text.strip(), scores[completion]))
    return [(topic, candidates) for topic, candidates in found.values() if len(candidates) > 1]


def iterations(folder: Path, rule: Rule) -> list[JsonObject]:
    """Of a policy that PPO trained: reward, KL and what else it wrote down, and the rule's share of pairs that the
    answers of an iteration win against those of the first policy. Empty where it was trained otherwise."""
    if not (folder / "answers.jsonl").exists() or not (folder / "answers.jsonl").stat().st_size:
        return []
    texts: dict[int, list[str]] = {}
    for line in (folder / "answers.jsonl").read_text().splitlines():
        row = json.loads(line)
        texts.setdefault(row["iteration"], []).append(row["text"])
    found = []
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        pairs = [better(rule, new, old) for new in texts.get(row["iteration"], []) for old in texts[0]]
        kept = {name: row[name] for name in ("iteration", "reward", "kl", "tokens", "ended", "perplexity")}
        found.append({**kept, "rule_win_rate": _mean(pairs)})
    return found


def plain(one: Share | Versus) -> JsonObject:
    """For a file."""
    return asdict(one)


def _share(found: Sequence[tuple[str, float]]) -> Share:
    values = [value for _, value in found]
    estimate: Estimate = intervals.ratio(values, [1.0] * len(values), [topic for topic, _ in found])
    return Share(
        _rounded(estimate.value), _rounded(estimate.low), _rounded(estimate.high), len(found), estimate.clusters
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
