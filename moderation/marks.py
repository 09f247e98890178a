"""People's words on verdicts: wrongly flagged, harmful and missed, each by whoever sees the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from accounts.audit import record
from labeling.models import Assignment, Dialogue, Membership, ReplyRequest, SuggestionRequest, Turn
from labeling.text import clean
from moderation.models import Verdict, VerdictFeedback

if TYPE_CHECKING:
    from accounts.models import User

Target = Verdict.Target


def mark(*, verdict: Verdict, user: User, harmful: bool, category: str = "", comment: str = "") -> VerdictFeedback:
    """A person's word; a second one of the same person replaces the first."""
    feedback, _ = VerdictFeedback.objects.update_or_create(
        verdict=verdict,
        user=user,
        defaults={"harmful": harmful, "category": category, "comment": clean(comment).strip()[:2000]},
    )
    record(actor=user, action="moderation.marked", obj=verdict, fields=["harmful"])
    return feedback


def markable_by(user: User) -> QuerySet[Verdict]:
    """Verdicts on texts that this person sees: their own messages and chats, what they rank, and, for reviewers, all of
    the project."""
    member = Q(project__memberships__user=user, project__memberships__ended_at__isnull=True)
    reviews = member & Q(project__memberships__role__in=[Membership.Role.REVIEWER, Membership.Role.MANAGER])
    own = Dialogue.objects.filter(author=user)
    turns = Turn.objects.filter(dialogue__in=own)
    asked = [
        asking._default_manager.filter(dialogue__in=own).values("request__completions")
        for asking in (ReplyRequest, SuggestionRequest)
    ]
    ranked = Assignment.objects.filter(trainer=user).values("comparison__candidates__completion")
    seen = (
        Q(target=Target.MESSAGE, author=user)
        | Q(target=Target.TURN, target_id__in=turns.values("pk"))
        | Q(target=Target.COMPLETION, target_id__in=turns.values("completion"))
        | Q(target=Target.COMPLETION, target_id__in=ranked)
    )
    for requests in asked:
        seen |= Q(target=Target.COMPLETION, target_id__in=requests)
    if user.is_superuser:
        return Verdict.objects.all()
    return Verdict.objects.filter(reviews | (member & seen)).distinct()
