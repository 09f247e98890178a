"""Red-team chats: which rule the next one is bound to, and what its trainer says of it. The chat itself is one as any
other (`labeling/chats.py`); that a rule is broken and that it is not are worth the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_noop

from labeling import drafts
from labeling.errors import Invalid, NotOffered, within
from labeling.models import Dialogue, Project, RedTeamAttempt, RedTeamRule, Round, Turn
from labeling.offering import NOTHING, Avoided
from labeling.text import clean

if TYPE_CHECKING:
    from accounts.models import User

Outcome, Severity = RedTeamAttempt.Outcome, RedTeamAttempt.Severity
STRATEGIES = (
    gettext_noop("asked directly"),
    gettext_noop("role play"),
    gettext_noop("fiction or a hypothesis"),
    gettext_noop("step by step"),
    gettext_noop("claimed to have authority"),
    gettext_noop("pressure or pity"),
    gettext_noop("another language or spelling"),
    gettext_noop("instructions hidden in a text"),
)
LONGEST = 4_000  # characters of the trainer's own words
NO_RULE = gettext_noop("This project has no rule that anybody is asked to break.")
NONE_FOR_YOU = gettext_noop(
    "Every rule here is about texts that you do not want to meet, or that you have met for long enough this week."
)


class Said(TypedDict):
    """What a trainer says of a try; not all of it need be said before it is submitted."""

    outcome: str
    turn: UUID | None
    strategies: Sequence[str]
    how: str
    severity: int | None


def next_rule(*, project: Project, author: User, round_: Round | None, avoided: Avoided = NOTHING) -> RedTeamRule:
    """The rule that the fewest chats of this round are about, then the one that this person has had least often; none
    about a kind of harm that they are not given now. Called within the write that begins the chat: two who begin at
    once are given one rule each.

    Raises:
        Invalid: no rule is in force. NotOffered: none of those that are is for this person now.
    """
    in_force = RedTeamRule.objects.in_force().filter(project=project)
    rules = in_force.filter(category="") if avoided.every else in_force.exclude(category__in=avoided.categories)
    list(rules.select_for_update(no_key=True, of=("self",)).values_list("pk"))
    begun = ~Q(dialogues__state=Dialogue.State.DISCARDED) & Q(dialogues__isnull=False)
    counted = rules.annotate(
        all=Count("dialogues", filter=begun & Q(dialogues__round=round_)),
        own=Count("dialogues", filter=begun & Q(dialogues__author=author)),
    )
    found = counted.order_by("all", "own", "place", "number").first()
    if found is None:
        raise NotOffered(NONE_FOR_YOU) if in_force.exists() else Invalid(NO_RULE)
    return found


@transaction.atomic
def say(
    *,
    dialogue: Dialogue,
    outcome: str,
    turn: UUID | None = None,
    strategies: Sequence[str] = (),
    how: str = "",
    severity: int | None = None,
) -> RedTeamAttempt:
    """Keep what the trainer says of their try, finished or not, until the chat is submitted.

    Raises:
        Gone: it was submitted. Invalid: not a red-team chat, or something that cannot be said.
    """
    locked = drafts.lock_draft(dialogue, None)
    said: Said = {"outcome": outcome, "turn": turn, "strategies": strategies, "how": how, "severity": severity}
    columns = _checked(locked, said)
    found, _ = RedTeamAttempt.objects.update_or_create(dialogue=locked, defaults=columns)
    return found


def _checked(locked: Dialogue, said: Said) -> dict[str, object]:
    if locked.rule_id is None:
        raise Invalid("Only a red-team chat has a rule to break.")
    if said["outcome"] not in Outcome.values:
        raise Invalid("%(outcome)s is not an outcome.", outcome=repr(said["outcome"]), field="outcome")
    broken = said["outcome"] == Outcome.BROKEN
    if broken and (said["turn"] is None or not _replies(locked).filter(pk=said["turn"]).exists()):
        raise Invalid("Say which reply broke the rule.", field="turn")
    if said["severity"] not in (None, *Severity.values):
        raise Invalid("The severity is 1, 2 or 3.", field="severity")
    if unknown := [name for name in said["strategies"] if name not in STRATEGIES]:
        raise Invalid("“%(name)s” is not one of the strategies.", name=unknown[0][:80], field="strategies")
    with within("how"):
        how = clean(said["how"]).strip()
        if len(how) > LONGEST:
            raise Invalid("At most %(most)s characters.", most=LONGEST)
    return {
        "outcome": said["outcome"],
        "turn_id": said["turn"] if broken else None,
        "strategies": [name for name in STRATEGIES if name in said["strategies"]],
        "how": how,
        "severity": said["severity"],
    }


def _replies(dialogue: Dialogue) -> QuerySet[Turn]:
    return dialogue.turns.filter(role=Turn.Role.ASSISTANT, completion__isnull=False)


def require_said(locked: Dialogue) -> None:
    """Before a red-team chat is submitted, by a caller that holds its lock.

    Raises:
        Invalid: it is not said yet what became of it, or how the rule was broken.
    """
    said = RedTeamAttempt.objects.filter(dialogue=locked).first()
    if said is None or said.outcome == Outcome.OPEN:
        raise Invalid("Say first how it ended: which reply broke the rule, or that none did.")
    if said.outcome == Outcome.BROKEN and not said.severity:
        raise Invalid("Say first how bad it is.")
    if said.outcome == Outcome.BROKEN and not (said.strategies or said.how):
        raise Invalid("Say first how you did it: a strategy, or a few words.")


def copy_to(draft: Dialogue, source: Dialogue) -> None:
    """What was said of a chat, for the draft that is a copy of it."""
    said = RedTeamAttempt.objects.filter(dialogue=source).select_related("turn").first()
    if said is None:
        return
    turn = draft.turns.get(position=said.turn.position) if said.turn is not None else None
    RedTeamAttempt.objects.create(
        dialogue=draft, outcome=said.outcome, turn=turn, strategies=said.strategies, how=said.how,
        severity=said.severity,
    )  # fmt: skip


def empty(*, about: Collection[UUID], text: str) -> int:
    """Withdrawal: what was said in words goes with the chats."""
    return RedTeamAttempt.objects.filter(dialogue__in=about).exclude(how="").update(how=text)
