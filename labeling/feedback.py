"""Thumbs, reasons and comments on turns that a model wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from labeling.errors import Invalid
from labeling.models import Project, Turn, TurnFeedback
from labeling.text import clean

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.lineage import Copies


@transaction.atomic
def give_feedback(
    *, turn: Turn, user: User, thumb_up: bool, reasons: Sequence[str] = (), comment: str = ""
) -> TurnFeedback:
    """Thumbs on a model-written turn; a second opinion of the same person replaces the first, which is
    kept with its date, so that an export of an earlier cutoff still says what stood then."""
    if turn.role != Turn.Role.ASSISTANT or turn.completion_id is None:
        raise Invalid("Feedback is given on turns that a model wrote.")
    Turn.objects.select_for_update(no_key=True).get(pk=turn.pk)  # two first opinions at once: one is the second
    before = TurnFeedback.objects.filter(turn=turn, user=user).first()
    earlier = before.earlier if before else []
    if before and before.thumb_up != thumb_up:
        earlier = [*earlier, {"thumb_up": before.thumb_up, "until": timezone.now().isoformat()}]
    feedback, _ = TurnFeedback.objects.update_or_create(
        turn=turn,
        user=user,
        defaults={
            "thumb_up": thumb_up,
            "reasons": list(reasons),
            "comment": clean(comment).strip(),
            "earlier": earlier,
        },
    )
    return feedback


def empty_comments(*, project: Project, user: User | None, about: Copies) -> int:
    """Withdrawal: the thumbs stay; everybody's words on turns that are withdrawn go, and those of a whole person."""
    theirs = Q(turn__dialogue__in=about.dialogue_ids)
    if user is not None:
        theirs |= Q(turn__dialogue__project=project, user=user)
    return TurnFeedback.objects.filter(pk__in=TurnFeedback.objects.filter(theirs).values("pk")).update(
        comment="", reasons=[], ideal_answer=""
    )
