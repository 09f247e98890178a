"""The parts of a report, computed from the judgements of a project or of one round."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import cast

import numpy as np
from django.db.models import Count

from accounts.models import User
from common import clock
from common.stats.drift import Drift
from common.stats.intervals import wilson
from insights.agreement import agreement, between_trainers, with_itself
from insights.biases import biases
from insights.cut_answers import cut_answers
from insights.judgement_arrays import Data, Pairs, pairs
from insights.ratings import new_against_previous, ratings
from insights.report_types import Counts, Day, Duel, ReportData, RoundAgreement, SelfAgreement, Share, TrainerRow
from insights.suggestions import suggestion_use
from labeling import preferences
from labeling.models import Comparison, Dialogue, Project, Ranking, Round
from labeling.quality import drift

DAYS = 60
SHAPE = 4  # of the dictionaries: a kept report of another shape is as good as none


def build(project: Project, round_: Round | None, data: Data, names: dict[int, str]) -> ReportData:
    """Everything that the dashboard of this project, or of this round, says."""
    votes, drawn = data.votes(), data.as_drawn()
    every = counted = pairs(votes)
    asked = drawn.votes() if drawn is not data else votes  # by the overlap that was set, not by what they said
    if asked is not votes:
        counted = pairs(asked)
    rated = ratings(asked, counted, _newest(round_, asked, counted))
    agreed = agreement(drawn, names, [] if round_ else _by_round(project, drawn))
    report: ReportData = {
        "shape": SHAPE,
        "project": project.slug,
        "round": round_.number if round_ else None,
        "counts": _counts(project, round_, votes, every),
        "agreement": agreed,
        "intra_rater": _intra_rater(project, names) if round_ is None else [],
        "ratings": rated,
        "bias": biases(asked, counted, rated["effects"]),
        "cut": cut_answers(project, round_),
        "suggestions": suggestion_use(project.pk, round_.pk if round_ else None, names),
        "trainers": _trainers(project, votes, agreed["by_person"], names),
        "throughput": _throughput(project, round_, votes),
    }
    return cast(ReportData, storable(report))


def storable(value: object) -> object:
    """Plain JSON: NaN and infinity become null."""
    if isinstance(value, dict):
        return {str(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _counts(project: Project, round_: Round | None, votes: Data, every: Pairs) -> Counts:
    refused = Ranking.objects.in_force().filter(comparison__project=project, groups=[])
    if round_ is not None:
        refused = refused.filter(comparison__round=round_)
    strict = int(every.strict.sum())
    return {
        "rankings": len(votes), "pairs": len(every), "strict_pairs": strict, "tied_pairs": len(every) - strict,
        "prompts": len({int(p) for block in votes.blocks for p in np.unique(block.prompt)}),
        "trainers": len({int(t) for block in votes.blocks for t in np.unique(block.trainer)}),
        "not_rankable": refused.count(),
    }  # fmt: skip


def _by_round(project: Project, data: Data) -> list[RoundAgreement]:
    rows: list[RoundAgreement] = []
    for round_ in Round.objects.filter(project=project).order_by("number"):
        part = data.of_round(round_.pk)
        if len(part):
            rows.append({"round": round_.number, **between_trainers(part)})
    return rows


def _newest(round_: Round | None, votes: Data, every: Pairs) -> Duel | None:
    """The round's newest policy against its parent, else against the newest of the others."""
    if round_ is None:
        return None
    policies = [policy.model_version for policy in round_.policies.select_related("model_version__parent")]
    policies.sort(key=lambda version: version.created_at, reverse=True)
    if not policies:
        return None
    previous = policies[0].parent or (policies[1] if len(policies) > 1 else None)
    return new_against_previous(votes, every, policies[0].slug, previous.slug) if previous else None


def _intra_rater(project: Project, names: dict[int, str]) -> list[SelfAgreement]:
    matched = []
    repeats = Comparison.objects.filter(project=project, kind=Comparison.Kind.REPEAT, state=Comparison.State.CLOSED)
    for person in repeats.values_list("only_for", flat=True).distinct():
        user = User.objects.get(pk=person)
        for at, (first, again) in enumerate(drift.intra_rater_pairs(project, user)):
            before, after = preferences.ranks(first), preferences.ranks(again)
            ids = sorted(before)
            matched.append((user.pk, f"{user.pk}/{at}", [before[i] for i in ids], [after[i] for i in ids]))
    return with_itself(matched, names)


def _trainers(project: Project, votes: Data, agreed: dict[str, Share], names: dict[int, str]) -> list[TrainerRow]:
    trainers = np.concatenate([block.trainer for block in votes.blocks]) if votes.blocks else np.zeros(0, dtype=int)
    seconds = np.concatenate([block.seconds for block in votes.blocks]) if votes.blocks else np.zeros(0)
    drifting = _drifts(project)
    rows: list[TrainerRow] = []
    for person, count in zip(*np.unique(trainers, return_counts=True), strict=True):
        own = seconds[(trainers == person) & (seconds >= 0)]
        drift = drifting.get(int(person))
        rows.append({
            "person": names.get(int(person), "?"), "rankings": int(count), "share": float(count / len(trainers)),
            "share_interval": list(wilson(count / len(trainers), len(trainers))),
            "median_seconds": float(np.median(own)) if len(own) else None, "agreement": agreed.get(str(int(person))),
            "calibration_items": drift.n if drift else 0,
            "calibration_right": drift.right / drift.n if drift and drift.n else None,
            "drift_score": drift.score if drift else None, "drift_threshold": drift.threshold if drift else None,
            "drift_alarm": bool(drift and drift.score >= drift.threshold),
            "drift_path": [round(score, 2) for score in drift.path[-200:]] if drift else [],
        })  # fmt: skip
    return sorted(rows, key=lambda row: -row["rankings"])


def _drifts(project: Project) -> dict[int, Drift]:
    given = Comparison.objects.filter(project=project, kind=Comparison.Kind.CALIBRATION, only_for__isnull=False)
    people = User.objects.filter(pk__in=given.values("only_for"))
    return {user.pk: drift.drift_of(project, user) for user in people}


def _throughput(project: Project, round_: Round | None, votes: Data) -> list[Day]:
    """Rankings and dialogues of each of the last days."""
    today = clock.utc_today()
    first = today - timedelta(days=DAYS - 1)
    days = np.concatenate([block.day for block in votes.blocks]) if votes.blocks else np.zeros(0, dtype=int)
    dialogues = Dialogue.objects.filter(project=project, submitted_at__date__gte=first).exclude(state="discarded")
    if round_ is not None:
        dialogues = dialogues.filter(round=round_)
    written = dict(dialogues.order_by().values_list("submitted_at__date").annotate(n=Count("pk")))
    epoch = today.fromordinal(719163)
    ranked = dict(zip(*(column.tolist() for column in np.unique(days, return_counts=True)), strict=True))
    rows: list[Day] = [
        {"day": day.isoformat(), "rankings": ranked.get((day - epoch).days, 0), "dialogues": written.get(day, 0)}
        for day in (first + timedelta(days=n) for n in range(DAYS))
    ]
    busy = [at for at, row in enumerate(rows) if row["rankings"] or row["dialogues"]]
    return rows[min(busy[0], DAYS - 14) :] if busy else rows[-14:]
