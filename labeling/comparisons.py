"""Every write on a comparison under a lease: drafts, rankings, skips, undo; and comparisons from outside.

Leases, and the order of locks that all of this keeps, are in `labeling/leases.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from common.transactions import joins
from common.transitions import advance
from labeling import leases
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import Assignment, Candidate, Comparison, Dialogue, Membership, Project, Ranking
from labeling.projects import current_round, split_for
from labeling.quality import overlap
from labeling.text import check_json, check_messages, clean, content_hash, prompt_key
from sampler import sampling
from sampler.models import ModelVersion

if TYPE_CHECKING:
    from accounts.models import User

MAX_DRAFT_CHARACTERS = 200_000


def save_draft(
    *, assignment: Assignment, draft: Mapping[str, Any], expected_version: int | None = None, seconds: int = 0
) -> int:
    """Keep unfinished work, also on an expired lease; return the new version.

    Raises:
        Conflict: another tab saved since `expected_version`. Gone: submitted or skipped meanwhile.
    """
    if len(str(draft)) > MAX_DRAFT_CHARACTERS:
        raise Invalid(f"A draft holds at most {MAX_DRAFT_CHARACTERS:,} characters.")
    check_json(draft)
    now = timezone.now()
    rows = Assignment.objects.filter(pk=assignment.pk, state__in=[Assignment.State.LEASED, Assignment.State.EXPIRED])
    if expected_version is not None:
        rows = rows.filter(draft_version=expected_version)
    saved = rows.update(
        draft=dict(draft),
        draft_version=F("draft_version") + 1,
        draft_saved_at=now,
        heartbeat_at=now,
        expires_at=now + timedelta(minutes=assignment.comparison.project.lease_minutes),
        seconds=F("seconds") + max(0, min(seconds, 600)),
    )
    current = Assignment.objects.get(pk=assignment.pk)
    if not saved:
        if current.state not in (Assignment.State.LEASED, Assignment.State.EXPIRED):
            raise Gone("This task has ended.")
        raise Conflict("This task is open in another tab, which saved last.", version=current.draft_version)
    return current.draft_version


@joins
def submit_ranking(
    *,
    assignment: Assignment,
    groups: Sequence[Sequence[str]] = (),
    ratings: Mapping[str, int] | None = None,
    flags: Mapping[str, Sequence[str]] | None = None,
    strengths: Sequence[int] | None = None,
    note: str = "",
    not_rankable: str = "",
    ideal_answer: str = "",
    seconds: int | None = None,
    confirmed: bool = False,
    membership: Membership | None = None,
) -> tuple[Ranking, bool]:
    """Store the trainer's judgement; the same again returns it with False.

    A vote that comes after its lease ran out counts if a vote is free and is kept as surplus otherwise.
    `membership` is the trainer's, from a caller that has it already.

    Raises:
        Invalid, NeedsConfirmation, Gone (skipped); Conflict: another judgement was submitted before.
    """
    from labeling import judgements
    from labeling.quality import screening

    comparison, locked = leases.lock(assignment)
    judgement = judgements.check(
        comparison=comparison,
        order_shown=locked.order_shown,
        groups=groups,
        ratings=ratings or {},
        flags=flags or {},
        strengths=strengths or [],
        note=note,
        not_rankable=not_rankable or "",
        ideal_answer=ideal_answer,
        confirmed=confirmed,
    )
    digest = judgement.digest()
    if locked.state == Assignment.State.SUBMITTED:
        standing = locked.rankings.in_force().get()
        if standing.submission_hash == digest:
            return standing, False
        raise Conflict("You have submitted another ranking of these completions. Undo that one first.")
    if locked.state == Assignment.State.SKIPPED:
        raise Gone("You skipped this task.")
    if comparison.state == Comparison.State.DISCARDED:
        raise Gone("This comparison was withdrawn.")
    now = timezone.now()
    columns: dict[str, Any] = {"ended_at": now}
    if locked.state == Assignment.State.EXPIRED and locked.kind == Assignment.Kind.VOTE:
        slot = leases.free_slot(comparison) if comparison.state == Comparison.State.OPEN else None
        columns |= {"slot": slot} if slot is not None else {"kind": Assignment.Kind.SURPLUS}
    _move(locked, Assignment.State.SUBMITTED, **columns)
    if seconds is None:
        seconds = locked.seconds or round((now - locked.created_at).total_seconds())
    if membership is None:
        member = Membership.objects.filter(project=comparison.project_id, user_id=locked.trainer_id)
        membership = member.order_by().first()
    ranking = Ranking.objects.create(
        assignment=locked,
        comparison=comparison,
        trainer_id=locked.trainer_id,
        kind=locked.kind,
        guideline_version_id=locked.guideline_version_id,
        order_shown=locked.order_shown,
        **judgement.columns(),
        flags_version=comparison.project.flags_version,
        ideal_answer=judgements.ideal_demonstration(locked, judgement.ideal_answer),
        seconds=max(0, seconds),
        label_weight=membership.label_weight if membership else None,
        submitted_at=now,
    )
    votes = overlap.votes_in_force(comparison)
    screening.screen_ranking(ranking, votes)
    overlap.ask_more_votes(comparison, votes)
    if comparison.state == Comparison.State.OPEN and len(votes) >= comparison.votes_wanted:
        advance(comparison, to=Comparison.State.CLOSED, table=Comparison.TRANSITIONS, closed_at=now)
    return ranking, True


@transaction.atomic
def skip(*, assignment: Assignment, reason: str) -> Assignment:
    """Give the task back for good, with a reason; its vote is free again, once."""
    reason = clean(reason).strip()[:200]
    if not reason:
        raise Invalid("Say in a word why you skip it.")
    _, locked = leases.lock(assignment)
    if locked.state not in (Assignment.State.LEASED, Assignment.State.EXPIRED):
        raise Gone("This task has ended.")
    _move(locked, Assignment.State.SKIPPED, slot=None, skip_reason=reason, ended_at=timezone.now())
    return locked


@transaction.atomic
def undo_ranking(*, assignment: Assignment) -> Assignment:
    """Take a submission back within the project's minutes: the ranking is dated, never deleted, and the
    task is leased again with what was submitted as its draft."""
    comparison, locked = leases.lock(assignment)
    ranking = locked.rankings.in_force().first()
    now = timezone.now()
    limit = timedelta(minutes=comparison.project.undo_minutes)
    if locked.state != Assignment.State.SUBMITTED or ranking is None or now - ranking.submitted_at > limit:
        raise Gone("The time to take this submission back is over.")
    if ranking.supersedes_id or ranking.reviews.exists():
        raise Gone("A reviewer has looked at this ranking, so it stays.")
    Ranking.objects.filter(pk=ranking.pk).update(undone_at=now)
    draft = {
        "groups": ranking.groups,
        "ratings": ranking.ratings,
        "flags": ranking.flags,
        "note": ranking.note,
        "strengths": ranking.strengths,
        "not_rankable": ranking.not_rankable,
    }
    if ranking.ideal_answer is not None:
        last = ranking.ideal_answer.turns.order_by("-position").first()
        draft["ideal_answer"] = last.text if last else ""
        advance(ranking.ideal_answer, to=Dialogue.State.DISCARDED, table=Dialogue.TRANSITIONS, undone_at=now)
    _move(
        locked,
        Assignment.State.LEASED,
        draft=draft,
        draft_version=locked.draft_version + 1,
        draft_saved_at=now,
        heartbeat_at=now,
        expires_at=now + timedelta(minutes=comparison.project.lease_minutes),
        ended_at=None,
    )
    if comparison.state == Comparison.State.CLOSED and locked.slot is not None:
        advance(comparison, to=Comparison.State.OPEN, table=Comparison.TRANSITIONS, closed_at=None)
    return locked


def _move(assignment: Assignment, state: str, **columns: Any) -> None:
    if not advance(assignment, to=state, table=Assignment.TRANSITIONS, **columns):
        raise Gone("This task has ended.")


# -- comparisons from outside, and their end -------------------------------------------------------


@transaction.atomic
def bring(
    *,
    project: Project,
    prompt: Sequence[Mapping[str, str]],
    completions: Sequence[Mapping[str, Any]],
    votes: int | None = None,
    by: User | None = None,
    source: str = "",
) -> tuple[Comparison, bool]:
    """A comparison of texts from outside; the same again returns the one that is there, with False.

    `completions`: [{"text", "model_version"?}, …]; a model version is the slug of one of ours, or any
    name, kept as a label.
    """
    messages = check_messages(prompt, last="user")
    if not 2 <= len(completions) <= 9:
        raise Invalid(f"A comparison has 2 to 9 completions, not {len(completions)}.")
    texts = [clean(item.get("text") or "") for item in completions]
    if not all(text.strip() for text in texts):
        raise Invalid("A completion has no text.")
    if len({text.strip() for text in texts}) != len(texts):
        raise Invalid("Two completions are equal.")
    names = [str(item.get("model_version") or "")[:200] for item in completions]
    if votes is not None and not 1 <= votes <= 20:
        raise Invalid("A comparison takes 1 to 20 votes.")
    digest = content_hash({"prompt": messages, "completions": sorted(zip(texts, names, strict=True))})
    Project.objects.select_for_update().get(pk=project.pk)
    known = Comparison.objects.filter(project=project, content_hash=digest).first()
    if known is not None:
        return known, False
    key = prompt_key(messages)
    now = timezone.now()
    comparison = Comparison.objects.create(
        project=project,
        round=current_round(project),
        state=Comparison.State.OPEN,
        opened_at=now,
        prompt=messages,
        prompt_key=key,
        split=split_for(project, key, by.pk if by else None),
        source=source or "brought",
        content_hash=digest,
        k=len(texts),
        votes_wanted=votes or project.votes_per_comparison,
    )
    versions = {version.slug: version for version in ModelVersion.objects.filter(slug__in=names)}
    Candidate.objects.bulk_create(
        Candidate(
            comparison=comparison,
            index=index,
            completion=sampling.provide(text=text, model_version=versions.get(name), model_label=name),
        )
        for index, (text, name) in enumerate(zip(texts, names, strict=True))
    )
    return comparison, True


def discard(*, comparison: Comparison, reason: str) -> bool:
    """Take a comparison out of work; its rankings stay on record and leave the exports."""
    request_ids: list[UUID] = list(comparison.requests.values_list("request_id", flat=True))
    discarded = bool(
        advance(
            comparison,
            to=Comparison.State.DISCARDED,
            table=Comparison.TRANSITIONS,
            discard_reason=reason[:200],
            discarded_at=timezone.now(),
        )
    )
    if discarded:
        for request_id in request_ids:
            sampling.cancel(request_id=request_id)
    return discarded
