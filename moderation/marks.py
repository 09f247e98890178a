"""People's words on verdicts: wrongly flagged, harmful and missed, each by whoever sees the text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit import record
from labeling import harms
from labeling.errors import Gone, Invalid
from labeling.models import Assignment, Dialogue, Membership, ReplyRequest, SuggestionRequest, Turn
from labeling.text import clean
from moderation.models import MarkDecision, Verdict, VerdictFeedback
from moderation.texts import Text
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


@transaction.atomic
def take_back(*, verdict: Verdict, user: User) -> None:
    """The person says nothing of the text any more; what they said is kept with its date, as in `mark`."""
    Verdict.objects.select_for_update(no_key=True).get(pk=verdict.pk)
    said = VerdictFeedback.objects.standing().filter(verdict=verdict, user=user).first()
    if said is None:
        return
    word = {name: getattr(said, name) for name in ("harmful", "category", "comment")}
    said.earlier.append({**word, "until": timezone.now().isoformat()})
    said.harmful, said.category, said.comment = None, "", ""
    said.save(update_fields=["harmful", "category", "comment", "earlier"])
    record(actor=user, action="moderation.mark_taken_back", obj=verdict, fields=["harmful"])


@transaction.atomic
def decide(*, mark: VerdictFeedback, reviewer: User, harmful: bool, confirmed: bool) -> MarkDecision:
    """A reviewer's decision on what a mark says. A later one counts instead of it.

    Raises:
        Gone: the mark says something else by now. Invalid: it is the reviewer's own.
    """
    row = VerdictFeedback.objects.select_for_update(no_key=True).get(pk=mark.pk)
    if row.harmful != harmful:
        raise Gone("Whoever marked this text has changed their mind meanwhile. Look at it again.")
    if row.user_id == reviewer.pk:
        raise Invalid("This is your own mark; somebody else decides it.")
    made = MarkDecision.objects.create(mark=row, reviewer=reviewer, harmful=harmful, confirmed=confirmed)
    record(actor=reviewer, action="moderation.decided", obj=mark.verdict, fields=["confirmed"])
    return made


def verdict_on(project: UUID, text: Text) -> Verdict:
    """The strictest verdict on a text, or on a part of it; made now where nobody has given one."""
    rows = list(Verdict.objects.filter(project=project, target_id__in=text.ids))
    if not rows:
        plan = plan_for(project).that_are(fast=True)
        (said,) = ask(plan, [text.text])
        verdicts.record(plan, text.target, {text.ids[0]: said})
        if any(one.harms for one in said):
            harms.state_of_texts(project=project, target=text.target, text_ids=[text.ids[0]])
        rows = list(Verdict.objects.filter(project=project, target_id=text.ids[0]))
    if not rows:  # a project without filters: the word of a person stands on a verdict of nobody
        rows = [_of_nobody(project, text)]
    return verdicts.strictest(rows) or next((row for row in rows if row.target_id == text.ids[0]), rows[0])


def _of_nobody(project: UUID, text: Text) -> Verdict:
    made, _ = Verdict.objects.get_or_create(
        project_id=project, target_id=text.ids[0], filter="none", filter_version="",
        defaults={"target": text.target, "action": Verdict.Action.NONE},
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
    ranked = Assignment.objects.filter(trainer=user)
    before = Turn.objects.filter(dialogue__in=ranked.values("comparison__dialogue"))
    seen = (
        Q(target=Target.MESSAGE, author=user)
        | Q(target=Target.TURN, target_id__in=turns.values("pk"))
        | Q(target=Target.COMPLETION, target_id__in=turns.values("completion"))
        | Q(target=Target.COMPLETION, target_id__in=ranked.values("comparison__candidates__completion"))
        | Q(target=Target.PROMPT, target_id__in=ranked.values("comparison"))
        | Q(target=Target.PROMPT, target_id__in=ranked.values("comparison__pool_prompt"))
        | Q(target=Target.TURN, target_id__in=before.values("pk"))
        | Q(target=Target.COMPLETION, target_id__in=before.values("completion"))
    )
    for requests in asked:
        seen |= Q(target=Target.COMPLETION, target_id__in=requests)
    if user.is_superuser:
        return Verdict.objects.all()
    return Verdict.objects.filter(reviews | (member & seen)).distinct()
