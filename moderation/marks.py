"""People's words on verdicts: wrongly flagged, harmful and missed, each by whoever sees the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit import record
from labeling.models import Assignment, Dialogue, Membership, ReplyRequest, SuggestionRequest, Turn
from labeling.text import clean
from moderation.models import Verdict, VerdictFeedback
from screening import verdicts
from screening.asking import ask
from screening.rules import plan_for

if TYPE_CHECKING:
    from accounts.models import User

Target = Verdict.Target


@transaction.atomic
def mark(*, verdict: Verdict, user: User, harmful: bool, category: str = "", comment: str = "") -> VerdictFeedback:
    """A person's word; a second one of the same person replaces the first, which is kept with its date, so that an
    export of an earlier cutoff still says what stood then."""
    Verdict.objects.select_for_update(no_key=True).get(pk=verdict.pk)  # two first words at once: one is the second
    said = {"harmful": harmful, "category": category, "comment": clean(comment).strip()[:2000]}
    before = VerdictFeedback.objects.filter(verdict=verdict, user=user).first()
    earlier = before.earlier if before else []
    if before and (replaced := {name: getattr(before, name) for name in said}) != said:
        earlier = [*earlier, {**replaced, "until": timezone.now().isoformat()}]
    feedback, _ = VerdictFeedback.objects.update_or_create(
        verdict=verdict, user=user, defaults={**said, "earlier": earlier}
    )
    record(actor=user, action="moderation.marked", obj=verdict, fields=["harmful"])
    return feedback


def verdict_on(turn: Turn) -> Verdict:
    """The strictest verdict on a turn, or on the completion that it is; made now where nobody has given one."""
    ids = [text_id for text_id in (turn.pk, turn.completion_id) if text_id is not None]
    rows = list(Verdict.objects.filter(project=turn.dialogue.project_id, target_id__in=ids))
    if not rows:
        plan = plan_for(turn.dialogue.project_id).that_are(fast=True)
        (said,) = ask(plan, [turn.text])
        verdicts.record(plan, Target.TURN, {turn.pk: said})
        rows = list(Verdict.objects.filter(project=turn.dialogue.project_id, target_id=turn.pk))
    if not rows:  # a project without filters: the word of a person stands on a verdict of nobody
        rows = [_of_nobody(turn)]
    return verdicts.strictest(rows) or rows[0]


def _of_nobody(turn: Turn) -> Verdict:
    made, _ = Verdict.objects.get_or_create(
        project_id=turn.dialogue.project_id, target_id=turn.pk, filter="none", filter_version="",
        defaults={"target": Target.TURN, "action": Verdict.Action.NONE},
    )  # fmt: skip
    return made


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
