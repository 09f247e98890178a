"""A problem with a model's reply, as whoever chats reports it: kept with their thumb (`labeling/feedback.py`), and a
mark on the text where it is about harm or about the content filter, so that a reviewer reads it (`queue.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from labeling import feedback
from labeling.errors import Gone, Invalid
from labeling.feedback import Problem
from labeling.models import Dialogue, Turn, TurnFeedback
from moderation import marks, texts
from moderation.models import Verdict, VerdictFeedback
from screening.rules import harms

if TYPE_CHECKING:
    from accounts.models import User

MARKED = frozenset({Problem.HARMFUL, Problem.RISK, Problem.FILTER})


def report(
    *, turn: Turn, user: User, problem: str, harm: str = "", comment: str = "", ideal_answer: str = ""
) -> TurnFeedback:
    """Replaces what the person reported of the turn before. That the filter was wrong says of a text that it warned of
    or blocked that it is harmless, and of any other that its harm was missed.

    Raises:
        Invalid: no such problem, too long, or not a turn that a model wrote. Gone: it was withdrawn.
    """
    if problem not in Problem.values:
        raise Invalid("Choose what is wrong with the reply.", field="problem")
    if max(len(comment), len(ideal_answer)) > feedback.MOST_CHARACTERS:
        raise Invalid("At most %(most)s characters.", most=feedback.MOST_CHARACTERS)
    if turn.dialogue.withdrawn_at is not None:  # before a filter is asked about what is left of the text
        raise Gone("This dialogue was withdrawn.")
    verdict = marks.verdict_on(turn.dialogue.project_id, texts.of_turn(turn))
    category = harm if harm in harms() else ""
    with transaction.atomic():
        before = _reported(turn, user)
        given = feedback.report(
            turn=turn, user=user, problem=Problem(problem), comment=comment, ideal_answer=ideal_answer
        )
        if problem in MARKED:
            harmful = problem != Problem.FILTER or verdict.action == Verdict.Action.NONE
            category = category if harmful else ""
            marks.mark(verdict=verdict, user=user, harmful=harmful, category=category, comment=comment)
        elif before in MARKED:
            marks.take_back(verdict=verdict, user=user)
    return given


def take_back(*, turn: Turn, user: User) -> TurnFeedback | None:
    """All that the person said of the turn, their mark included where the report made it."""
    verdict = marks.verdict_on(turn.dialogue.project_id, texts.of_turn(turn))
    with transaction.atomic():
        before = _reported(turn, user)
        given = feedback.take_back(turn=turn, user=user)
        if before in MARKED:
            marks.take_back(verdict=verdict, user=user)
    return given


def _reported(turn: Turn, user: User) -> Problem | None:
    """Under the lock that the writes on feedback take."""
    Dialogue.objects.select_for_update(no_key=True, of=("self",)).get(pk=turn.dialogue_id)
    return feedback.problem_of(TurnFeedback.objects.filter(turn=turn, user=user).first())


def harm_named(turn: Turn, user: User) -> str:
    """The kind of harm that the person named in their mark."""
    of_it = VerdictFeedback.objects.standing().filter(user=user, verdict__project=turn.dialogue.project_id)
    found = of_it.filter(verdict__target_id__in=texts.of_turn(turn).ids).order_by("-created_at").first()
    return found.category if found is not None else ""
