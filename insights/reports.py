"""Reports of a project as plain dictionaries: for the dashboards and for REST. Kept, and as of an instant.

`refresh` (the beat task) brings them up to date every few minutes; a page never computes.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from common.stats.drift import Drift
from common.stats.intervals import wilson
from insights import facts
from insights.agreement import agreement, with_itself
from insights.arrays import Data, Pairs, pairs, read
from insights.biases import biases, suggestion_use
from insights.models import Judgement, Ledger, Report
from insights.strengths import new_against_previous, strengths
from labeling import preferences, progress
from labeling.models import Assignment, Comparison, Dialogue, Membership, Project, Ranking, Round
from labeling.projects import current_round
from labeling.quality import drift
from sampler.models import SampleRequest

MAX_AGE = timedelta(minutes=5)
AT_ONCE = 2000  # rankings that a page may wait for
DAYS = 60
SHAPE = 2  # of the dictionaries: a kept report of another shape is as good as none


def insights_of(project: Project, round: Round | None = None) -> dict[str, Any]:
    """The last report of the project, over all rounds or one; made now where there is none yet and little to read."""
    found = _kept(project, round)
    if found is None and _quickly_read(project):
        refresh(project, force=True)
        found = _kept(project, round)
    if found is None:  # another process is making it just now, or the next beat will
        return {"as_of": None, "project": project.slug, "round": round.number if round else None}
    return {**found.data, "as_of": found.as_of.isoformat()}


def _kept(project: Project, round: Round | None) -> Report | None:
    return Report.objects.filter(project=project, round=round, data__shape=SHAPE).first()


def _quickly_read(project: Project) -> bool:
    return Ranking.objects.filter(comparison__project=project)[: AT_ONCE + 1].count() <= AT_ONCE


def refresh(project: Project, *, force: bool = False) -> bool:
    """Bring the project's reports up to date; False where another process is at it or nothing changed."""
    started_at = timezone.now()
    interrupted = Ledger.objects.filter(project=project, unreported=True).exists()
    changed = facts.catch_up(project)
    if changed is None:
        return False
    force = force or interrupted
    kept = _kept(project, None)
    if kept and not changed and not force and not _other_news(project, kept.as_of):
        Report.objects.filter(project=project).update(as_of=started_at)
        return False
    data = read(project.pk)
    names = {user.pk: str(user) for user in User.objects.filter(memberships__project=project)}
    for round_ in [None, *_touched(project, changed, None if force else kept)]:
        began = time.monotonic()
        part = data if round_ is None else _only_round(data, round_.pk)
        report = build(project, round_, part, names)
        Report.objects.update_or_create(
            project=project, round=round_,
            defaults={"as_of": started_at, "data": report, "took_ms": round(1000 * (time.monotonic() - began))},
        )  # fmt: skip
    Report.objects.filter(project=project).update(as_of=started_at)
    Ledger.objects.filter(project=project).update(unreported=False)
    return True


def _touched(project: Project, changed: Counter[UUID | None], kept: Report | None) -> list[Round]:
    """The rounds whose reports may say something else now; closed ones seldom do, and there may be many."""
    rounds = list(Round.objects.filter(project=project).order_by("number"))
    if kept is None:
        return rounds
    fresh = Q(submitted_at__gt=kept.as_of) | Q(undone_at__gt=kept.as_of)
    written = set(Dialogue.objects.filter(fresh, project=project).order_by().values_list("round", flat=True).distinct())
    lately = kept.as_of - MAX_AGE
    return [r for r in rounds if r.closed_at is None or r.closed_at > lately or r.pk in changed or r.pk in written]


def _other_news(project: Project, since: Any) -> bool:
    fresh = Q(submitted_at__gt=since) | Q(undone_at__gt=since)
    return (
        Dialogue.objects.filter(fresh, project=project).exists()
        or Ranking.objects.filter(fresh, comparison__project=project).exists()
    )


def _only_round(data: Data, round_id: UUID) -> Data:
    return data.only(round=data.rounds.index(round_id) if round_id in data.rounds else -1)


def build(project: Project, round_: Round | None, data: Data, names: dict[int, str]) -> dict[str, Any]:
    """Everything that the dashboard of this project, or of this round, says."""
    votes = data.only(research=False)
    every = pairs(votes)
    rated = strengths(votes, every)
    agreed = agreement(data, names)
    report = {
        "shape": SHAPE,
        "project": project.slug,
        "round": round_.number if round_ else None,
        "counts": _counts(project, round_, votes, every),
        "agreement": {**agreed, "by_round": [] if round_ else _by_round(project, data, names)},
        "intra_rater": _intra_rater(project, names) if round_ is None else [],
        "ratings": {**rated, "new_against_previous": _newest(round_, votes, every)},
        "bias": biases(votes, every, rated["effects"]),
        "suggestions": suggestion_use(project.pk, round_.pk if round_ else None, names),
        "trainers": _trainers(project, votes, agreed["by_person"], names),
        "throughput": _throughput(project, round_, votes),
    }
    return _clean(report)


def _clean(value: Any) -> Any:
    """Plain JSON: numpy's numbers become Python's, NaN becomes null."""
    if isinstance(value, dict):
        return {str(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _counts(project: Project, round_: Round | None, votes: Data, every: Pairs) -> dict[str, int]:
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


def _by_round(project: Project, data: Data, names: dict[int, str]) -> list[dict[str, Any]]:
    rows = []
    for round_ in Round.objects.filter(project=project).order_by("number"):
        part = _only_round(data, round_.pk)
        if len(part):
            rows.append({"round": round_.number, **agreement(part, names)["between_trainers"]["tie_excluded"]})
    return rows


def _newest(round_: Round | None, votes: Data, every: Pairs) -> dict[str, Any] | None:
    """The round's newest policy against its parent, else against the newest of the others."""
    if round_ is None:
        return None
    policies = [policy.model_version for policy in round_.policies.select_related("model_version__parent")]
    policies.sort(key=lambda version: version.created_at, reverse=True)
    if not policies:
        return None
    previous = policies[0].parent or (policies[1] if len(policies) > 1 else None)
    return new_against_previous(votes, every, policies[0].slug, previous.slug) if previous else None


def _intra_rater(project: Project, names: dict[int, str]) -> list[dict[str, Any]]:
    matched = []
    repeats = Comparison.objects.filter(project=project, kind=Comparison.Kind.REPEAT, state=Comparison.State.CLOSED)
    for person in repeats.values_list("only_for", flat=True).distinct():
        user = User.objects.get(pk=person)
        for at, (first, again) in enumerate(drift.intra_rater_pairs(project, user)):
            before, after = preferences.ranks(first), preferences.ranks(again)
            ids = sorted(before)
            matched.append((user.pk, f"{user.pk}/{at}", [before[i] for i in ids], [after[i] for i in ids]))
    return [{**row, "person": names.get(row["person"], "?")} for row in with_itself(matched)]


def _trainers(project: Project, votes: Data, agreed: dict[str, Any], names: dict[int, str]) -> list[dict[str, Any]]:
    trainers = np.concatenate([block.trainer for block in votes.blocks]) if votes.blocks else np.zeros(0, dtype=int)
    seconds = np.concatenate([block.seconds for block in votes.blocks]) if votes.blocks else np.zeros(0)
    drifting = _drifts(project)
    rows = []
    for person, count in zip(*np.unique(trainers, return_counts=True), strict=True):
        own = seconds[(trainers == person) & (seconds >= 0)]
        drift = drifting.get(int(person))
        rows.append({
            "person": names.get(int(person), "?"), "rankings": int(count), "share": float(count / len(trainers)),
            "share_interval": wilson(count / len(trainers), len(trainers)),
            "median_seconds": float(np.median(own)) if len(own) else None, "agreement": agreed.get(str(int(person))),
            "calibration_pairs": drift.n if drift else 0,
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


def _throughput(project: Project, round_: Round | None, votes: Data) -> list[dict[str, Any]]:
    """Rankings and dialogues of each of the last days."""
    today = timezone.now().date()
    first = today - timedelta(days=DAYS - 1)
    days = np.concatenate([block.day for block in votes.blocks]) if votes.blocks else np.zeros(0, dtype=int)
    dialogues = Dialogue.objects.filter(project=project, submitted_at__date__gte=first).exclude(state="discarded")
    if round_ is not None:
        dialogues = dialogues.filter(round=round_)
    written = dict(dialogues.order_by().values_list("submitted_at__date").annotate(n=Count("pk")))
    epoch = today.fromordinal(719163)
    ranked = dict(zip(*(column.tolist() for column in np.unique(days, return_counts=True)), strict=True))
    rows = [
        {"day": day.isoformat(), "rankings": ranked.get((day - epoch).days, 0), "dialogues": written.get(day, 0)}
        for day in (first + timedelta(days=n) for n in range(DAYS))
    ]
    busy = [at for at, row in enumerate(rows) if row["rankings"] or row["dialogues"]]
    return rows[min(busy[0], DAYS - 14) :] if busy else rows[-14:]


def progress_of(project: Project) -> dict[str, Any]:
    """Live: what waits, what is worked on, what is done, and what the sampler has before it."""
    round_ = current_round(project)
    policies = list(round_.policies.values_list("model_version", flat=True)) if round_ else []
    waiting = SampleRequest.objects.filter(state__in=["queued", "running"], model_version__in=policies)
    by_state = dict(waiting.order_by().values_list("state").annotate(n=Count("pk")))
    since = timezone.now() - timedelta(hours=1)
    votes = Judgement.objects.filter(project=project, kind=Ranking.Kind.VOTE)
    at_work = Assignment.objects.leased().filter(comparison__project=project)
    return {
        **progress.progress_of(project),
        "as_of": timezone.now().isoformat(),
        "ready": _ready(project),
        "stock_target": project.stock_target,
        "rankings_last_hour": votes.filter(submitted_at__gte=since).count(),
        "people_at_work": at_work.values("trainer").distinct().count(),
        "members": Membership.objects.filter(project=project, ended_at__isnull=True).count(),
        "sampler_queued": by_state.get("queued", 0),
        "sampler_running": by_state.get("running", 0),
    }


def _ready(project: Project) -> int:
    """Open comparisons with a free vote."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM labeling_comparison c WHERE c.project_id = %s AND c.state = 'open'
               AND c.only_for_id IS NULL AND c.votes_wanted > (SELECT count(*) FROM labeling_assignment a
               WHERE a.comparison_id = c.id AND a.slot IS NOT NULL AND a.state IN ('leased', 'submitted'))""",
            [project.pk],
        )
        return int(cursor.fetchone()[0])
