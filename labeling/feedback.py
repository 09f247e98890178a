"""Thumbs, reasons and comments on turns that a model wrote; and reports of a problem with one, which are kept with the
thumb: the problem is one of its reasons. What a report says of the content filter: `moderation/problems.py`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from labeling.errors import Gone, Invalid
from labeling.models import Dialogue, Project, Turn, TurnFeedback
from labeling.text import clean

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.lineage import Copies

MOST_CHARACTERS = 4_000


class Problem(models.TextChoices):
    """What the announcement of ChatGPT asks its users to report; what is not true apart from what does harm."""

    HARMFUL = "harmful", _("Harmful in real use")
    RISK = "risk", _("A novel risk: something new that a model should not do")
    FILTER = "filter", _("The content filter was wrong about it")
    FALSE = "false", _("False or made up")
    OTHER = "other", _("Something else")


REASONS = {  # how each is kept among the reasons of a thumb; what is false is the complaint of that name
    Problem.HARMFUL: "harmful in real use",
    Problem.RISK: "a novel risk",
    Problem.FILTER: "the content filter was wrong",
    Problem.FALSE: "not true",
    Problem.OTHER: "another problem",
}
ONLY_REPORTED = frozenset(REASONS.values()) - {REASONS[Problem.FALSE]}  # those that no complaint is called


def problem_of(given: TurnFeedback | None) -> Problem | None:
    reasons = given.reasons if given is not None else ()
    return next((problem for problem, reason in REASONS.items() if reason in reasons), None)


def of_project(project: Project) -> QuerySet[TurnFeedback]:
    """What people said of replies here, the newest first, without what was taken back or withdrawn."""
    given = TurnFeedback.objects.filter(turn__dialogue__project=project, kind=TurnFeedback.Kind.GIVEN)
    said = given.filter(Q(thumb_up__isnull=False) | ~Q(reasons=[]), turn__dialogue__withdrawn_at__isnull=True)
    return said.select_related("turn__dialogue", "user").order_by("-updated_at", "-pk")


def narrowed(rows: QuerySet[TurnFeedback], *, problem: str = "", thumb: str = "") -> QuerySet[TurnFeedback]:
    """By a problem's name, and by "up" or "down"; what is neither narrows nothing."""
    if problem in Problem.values:
        rows = rows.filter(reasons__contains=[REASONS[Problem(problem)]])
    if thumb in ("up", "down"):
        rows = rows.filter(thumb_up=thumb == "up")
    return rows


@transaction.atomic
def give_feedback(
    *, turn: Turn, user: User, thumb_up: bool, reasons: Sequence[str] = (), comment: str = ""
) -> TurnFeedback:
    """Thumbs on a model-written turn; a second opinion of the same person replaces the first, which is kept with its
    date, so that an export of an earlier cutoff still says what stood then. What they reported stays.

    Raises:
        Invalid: nobody's model wrote the turn. Gone: it was withdrawn.
    """
    before = _locked(turn, user)
    kept = [reason for reason in before.reasons if reason in ONLY_REPORTED and reason not in reasons] if before else []
    return _keep(turn, user, before, thumb_up, reasons=[*reasons, *kept], comment=comment)


@transaction.atomic
def report(*, turn: Turn, user: User, problem: Problem, comment: str = "", ideal_answer: str = "") -> TurnFeedback:
    """A problem with a model-written turn, in the place of the one that the person reported before. It is a thumb down
    too, but where only the content filter was wrong.

    Raises: as `give_feedback`.
    """
    before = _locked(turn, user)
    others = _without(before.reasons, REASONS.values()) if before else []
    thumb = (before.thumb_up if before else None) if problem == Problem.FILTER else False
    reasons = [REASONS[problem], *others]
    return _keep(turn, user, before, thumb, reasons=reasons, comment=comment, ideal_answer=ideal_answer)


@transaction.atomic
def take_back(*, turn: Turn, user: User) -> TurnFeedback | None:
    """All that the person said of the turn. The row stays without a word, as what it was until now is dated in it."""
    before = _locked(turn, user)
    return _keep(turn, user, before, None) if before is not None else None


def _locked(turn: Turn, user: User) -> TurnFeedback | None:
    """What the person said before, under the dialogue's lock, which a withdrawal takes first too: of two first opinions
    at once one is the second."""
    if turn.role != Turn.Role.ASSISTANT or turn.completion_id is None:
        raise Invalid("Feedback is given on turns that a model wrote.")
    dialogue = Dialogue.objects.select_for_update(no_key=True, of=("self",)).get(pk=turn.dialogue_id)
    if dialogue.withdrawn_at is not None:
        raise Gone("This dialogue was withdrawn.")
    return TurnFeedback.objects.filter(turn=turn, user=user).first()


def _keep(
    turn: Turn,
    user: User,
    before: TurnFeedback | None,
    thumb_up: bool | None,
    *,
    reasons: Sequence[str] = (),
    comment: str = "",
    ideal_answer: str | None = None,
) -> TurnFeedback:
    earlier = before.earlier if before else []
    if before and before.thumb_up != thumb_up:
        earlier = [*earlier, {"thumb_up": before.thumb_up, "until": timezone.now().isoformat()}]
    said = {"thumb_up": thumb_up, "reasons": list(reasons), "comment": clean(comment).strip(), "earlier": earlier}
    if ideal_answer is not None:
        said["ideal_answer"] = clean(ideal_answer).strip()
    elif thumb_up is None:
        said["ideal_answer"] = ""
    feedback, _made = TurnFeedback.objects.update_or_create(turn=turn, user=user, defaults=said)
    return feedback


def _without(reasons: Sequence[str], gone: Collection[str]) -> list[str]:
    return [reason for reason in reasons if reason not in gone]


def empty_comments(*, project: Project, user: User | None, about: Copies) -> int:
    """Withdrawal: the thumbs stay; everybody's words on turns that are withdrawn go, and those of a whole person."""
    theirs = Q(turn__dialogue__in=about.dialogue_ids)
    if user is not None:
        theirs |= Q(turn__dialogue__project=project, user=user)
    return TurnFeedback.objects.filter(pk__in=TurnFeedback.objects.filter(theirs).values("pk")).update(
        comment="", reasons=[], ideal_answer=""
    )
