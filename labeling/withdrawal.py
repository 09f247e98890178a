"""Withdrawal of a person's data from a project: out of every later export, and the text out of the
database. Rows stay, empty, so that counts, votes and tombstones hold together.

What others did stays theirs, with one exception: a comparison about a withdrawn person's prompt is
discarded, since its judgements show that text to every reader.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from labeling.models import (
    Assignment,
    Comparison,
    Dialogue,
    Membership,
    Project,
    Prompt,
    Ranking,
    Review,
    Turn,
    TurnFeedback,
)
from sampler import sampling

if TYPE_CHECKING:
    from accounts.models import User

WITHDRAWN = "[withdrawn]"


@transaction.atomic
def withdraw(*, project: Project, user: User, by: User | None = None) -> dict[str, int]:
    """Take everything of `user` out of `project`; return what was emptied, by kind.

    The membership ends with it. A second call finds only what came since.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    now = timezone.now()
    membership, _ = Membership.objects.get_or_create(project=project, user=user)
    Membership.objects.filter(pk=membership.pk).update(
        withdrawn_at=membership.withdrawn_at or now, ended_at=membership.ended_at or now
    )
    dialogues = Dialogue.objects.filter(project=project, author=user)
    turns = Turn.objects.filter(dialogue__in=dialogues)
    comparisons = Comparison.objects.filter(project=project, author=user) | Comparison.objects.filter(
        project=project, dialogue__in=dialogues
    )
    shown = {UUID(cid) for ids in turns.values_list("suggestions_shown", flat=True) for cid in ids}
    own = set(turns.exclude(completion=None).values_list("completion_id", flat=True))
    candidates = set(comparisons.values_list("candidates__completion_id", flat=True)) - {None}
    asked = set(comparisons.values_list("requests__request_id", flat=True)) - {None}
    asked |= set(dialogues.exclude(pending_request=None).values_list("pending_request_id", flat=True))
    counts = {
        "dialogues": dialogues.count(),
        "turns": turns.count(),
        "comparisons": _discard(comparisons, now),
        "rankings": Ranking.objects.filter(comparison__project=project, trainer=user).update(note=""),
        "drafts": Assignment.objects.filter(comparison__project=project, trainer=user).update(draft={}),
        "feedback": TurnFeedback.objects.filter(turn__dialogue__project=project, user=user).update(comment=""),
        "reviews": _empty_reviews(project, user),
        "prompts": _empty_prompts(project, user, now),
        "samples": sampling.empty(completion_ids=shown | own | candidates, request_ids=asked, text=WITHDRAWN),
    }
    turns.update(text=WITHDRAWN, suggestions_shown=[], pasted_chars=0)
    dialogues.update(composer={}, source_row=None, pending_request=None)
    audit.record(actor=by, action="member.withdrawn", obj=membership, fields=[kind for kind, n in counts.items() if n])
    return counts


def _discard(comparisons: Iterable[Comparison], now: object) -> int:
    """Empty and discard; the date of an earlier discard stays."""
    ids = {comparison.pk for comparison in comparisons}
    rows = Comparison.objects.filter(pk__in=ids)
    Assignment.objects.filter(comparison__in=rows, state=Assignment.State.LEASED).update(
        state=Assignment.State.EXPIRED, slot=None, draft={}, ended_at=now
    )
    Assignment.objects.filter(comparison__in=rows).update(draft={})
    rows.exclude(state=Comparison.State.DISCARDED).update(
        state=Comparison.State.DISCARDED, discard_reason="The prompt was withdrawn by its author.", discarded_at=now
    )
    rows.update(prompt=[{"role": "user", "content": WITHDRAWN}], source_row=None, explanation="")
    Ranking.objects.filter(comparison__in=rows).update(note="")
    return len(ids)


def _empty_reviews(project: Project, user: User) -> int:
    """Comments by the person and on the person's work."""
    mine = Review.objects.filter(reviewer=user, ranking__comparison__project=project)
    mine |= Review.objects.filter(reviewer=user, dialogue__project=project)
    mine |= Review.objects.filter(ranking__trainer=user, ranking__comparison__project=project)
    mine |= Review.objects.filter(dialogue__author=user, dialogue__project=project)
    ids = list(mine.exclude(comment="").values_list("pk", flat=True))
    return Review.objects.filter(pk__in=ids).update(comment=WITHDRAWN)


def _empty_prompts(project: Project, user: User, now: object) -> int:
    emptied = 0
    for prompt in Prompt.objects.filter(project=project, author=user):
        Prompt.objects.filter(pk=prompt.pk).update(
            messages=[{"role": "user", "content": WITHDRAWN}],
            content_hash=f"withdrawn:{prompt.pk}"[:64],
            retired_at=prompt.retired_at or now,
        )
        emptied += 1
    return emptied
