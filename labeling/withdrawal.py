"""Withdrawal of a person's data from a project: out of every later export, and the text out of the
database. Rows stay, empty, so that counts, votes and tombstones hold together.

What others did stays theirs, with one exception: a comparison about a withdrawn person's prompt is
discarded, since its judgements show that text to every reader. Each noun's module empties its own rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit
from labeling import assignments, comparisons, dialogues, feedback, projects, rankings
from labeling.models import Assignment, Comparison, Dialogue, Project, SuggestionRequest, Turn
from labeling.quality import reviews
from sampler import sampling

if TYPE_CHECKING:
    from accounts.models import User

WITHDRAWN = "[withdrawn]"


@transaction.atomic
def withdraw(*, project: Project, user: User, by: User | None = None) -> dict[str, int]:
    """Take everything of `user` out of `project`; return what was emptied, by kind.

    The membership ends with it. A second call finds only what came since.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    membership = projects.withdraw_member(project=project, user=user)
    written = Dialogue.objects.filter(project=project, author=user)
    prompted = Comparison.objects.filter(Q(author=user) | Q(dialogue__in=written), project=project)
    _lock(written, prompted, judged=Assignment.objects.filter(comparison__project=project, trainer=user))
    completions, requests = _sampled(written, prompted)
    counts = {
        "dialogues": written.count(),
        "turns": Turn.objects.filter(dialogue__in=written).count(),
        "comparisons": comparisons.withdraw(rows=prompted, text=WITHDRAWN),
        "rankings": rankings.empty_notes(project=project, trainer=user),
        "drafts": assignments.empty_drafts(project=project, trainer=user),
        "feedback": feedback.empty_comments(project=project, user=user),
        "reviews": reviews.empty_comments(project=project, user=user, text=WITHDRAWN),
        "prompts": projects.empty_prompts(project=project, author=user, text=WITHDRAWN),
        "samples": sampling.empty(completion_ids=completions, request_ids=requests, text=WITHDRAWN),
    }
    dialogues.empty(rows=written, text=WITHDRAWN)
    audit.record(actor=by, action="member.withdrawn", obj=membership, fields=[kind for kind, n in counts.items() if n])
    return counts


def _lock(written: QuerySet[Dialogue], prompted: QuerySet[Comparison], judged: QuerySet[Assignment]) -> None:
    """Wait for every write that is under way on this person's work, in the order in which those take their locks:
    dialogues, then comparisons. Whoever comes after finds the membership ended and the texts gone."""
    list(written.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk"))
    theirs = Q(pk__in=prompted.values("pk")) | Q(pk__in=judged.values("comparison"))
    rows = Comparison.objects.filter(theirs).order_by("pk")
    list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))


def _sampled(written: QuerySet[Dialogue], prompted: QuerySet[Comparison]) -> tuple[set[UUID], set[UUID]]:
    """(completions, requests) of the sampler that hold the person's text, or an answer to it."""
    turns = Turn.objects.filter(dialogue__in=written)
    completions = {UUID(cid) for ids in turns.values_list("suggestions_shown", flat=True) for cid in ids}
    completions |= _ids(turns.values_list("completion_id", flat=True))
    completions |= _ids(prompted.values_list("candidates__completion_id", flat=True))
    completions |= _ids(prompted.values_list("candidates__copies__completion_id", flat=True))
    requests = _ids(prompted.values_list("requests__request_id", flat=True))
    requests |= _ids(SuggestionRequest.objects.filter(dialogue__in=written).values_list("request_id", flat=True))
    requests |= _ids(written.values_list("pending_request_id", flat=True))
    return completions, requests


def _ids(found: Iterable[UUID | None]) -> set[UUID]:
    return {pk for pk in found if pk is not None}
