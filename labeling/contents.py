"""Where labeling's own writes ask the content filter. What the filters are and say: `screening`.

Fast filters are asked before a text is stored; slow ones by the worker that writes the answer (`sampler/screener.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_noop

from common.shapes import JsonObject, Message
from common.visible import visible
from labeling.errors import Blocked, Gone, Invalid
from labeling.models import Comparison, Project, Prompt
from sampler.models import Completion
from screening import verdicts
from screening.asking import Findings, ask, blocked_by, missing
from screening.rules import Plan, plan_for
from screening.verdicts import Target

AWAY = gettext_noop(
    "The content filter is away, and this project waits for it. Your text is kept here: send it again in a minute."
)
BLOCKS = gettext_noop("This was not sent: the content filter blocks it (%(category)s).")
BLOCKS_IDEAL = gettext_noop("Nothing was sent: the content filter blocks your own answer (%(category)s).")
UNJUDGED = gettext_noop("This project shows no prompt before the content filter has read it. Try again in a minute.")


@dataclass(frozen=True)
class Checked:
    """A text that may be stored, and what was said of it."""

    plan: Plan
    findings: Findings

    def keep(self, turn_id: UUID) -> None:
        """The verdict of a text that became this turn."""
        verdicts.record(self.plan, Target.TURN, {turn_id: self.findings})

    def keep_edited(self, turn_id: UUID) -> None:
        """The verdict of a text that took the place of this turn's."""
        verdicts.replace(self.plan, Target.TURN, turn_id, self.findings)


def check(*, project_id: UUID, text: str, author_id: int | None, sentence: str = BLOCKS) -> Checked:
    """Ask the fast filters about a person's text. Called outside the transaction of the write, so that the verdict on
    a blocked text stays.

    Raises:
        Blocked: with the verdict, which is on record with the text. Invalid: a filter that must be asked is down.
    """
    plan = plan_for(project_id)
    fast = plan.that_are(fast=True)
    (findings,) = ask(fast, [text])
    if category := blocked_by(findings):
        verdict = verdicts.record_unsent(plan, text=text, author_id=author_id, findings=findings)
        raise Blocked(sentence, verdict=verdict.pk, category=category)
    if missing(fast, findings):
        raise Invalid(AWAY)
    return Checked(plan, findings)


def check_ideal_answer(*, project: Project, author_id: int | None, text: str) -> Checked | None:
    """As `check`, of the answer that a trainer writes beside a ranking; None where there is none.

    Raises:
        As `check`.
    """
    if not project.ask_ideal_answer or not visible(text):
        return None
    return check(project_id=project.pk, text=text, author_id=author_id, sentence=BLOCKS_IDEAL)


def rules_of(project_id: UUID) -> JsonObject:
    """For a request: its texts are screened by this project's rules."""
    return {"project": str(project_id)}


def rules_for_reply(checked: Checked, turn_id: UUID) -> JsonObject:
    """As `rules_of`; where the project has slow filters, they are asked about the message while it is answered."""
    slow = bool(checked.plan.that_are(fast=False).rules)
    return {**rules_of(checked.plan.project), **({"turn": str(turn_id)} if slow else {})}


@dataclass(frozen=True)
class Brought:
    """What was said of a comparison whose texts came from outside."""

    plan: Plan
    prompt: Findings
    blocked: str  # the category; empty: nothing is blocked
    waits: bool  # for a slow filter

    def keep(self, comparison_id: UUID) -> None:
        """The verdict on its prompt, which stands nowhere else."""
        verdicts.record(self.plan, Target.PROMPT, {comparison_id: self.prompt})


def check_brought(*, project_id: UUID, prompt: Sequence[Message], completions: Sequence[Completion]) -> Brought:
    """Ask the fast filters about texts from outside. Completions that wait for a slow filter are withheld."""
    plan = plan_for(project_id)
    texts = [whole(prompt), *(row.text for row in completions)]
    said_of_prompt, *said = ask(plan.that_are(fast=True), texts)
    verdicts.record(plan, Target.COMPLETION, {row.pk: one for row, one in zip(completions, said, strict=True)})
    for row, one in zip(completions, said, strict=True):
        row.withheld = verdicts.standing(plan, one)
    for withheld in {row.withheld for row in completions} - {""}:
        ids = [row.pk for row in completions if row.withheld == withheld]
        Completion.objects.filter(pk__in=ids).update(withheld=withheld)
    blocked = next((category for one in (said_of_prompt, *said) if (category := blocked_by(one))), "")
    waits = bool(blocked) or missing(plan, said_of_prompt) or any(row.withheld for row in completions)
    return Brought(plan, said_of_prompt, blocked, waits)


def prompt_waits(comparison: Comparison) -> bool:
    """Whether a prompt that nobody wrote in a dialogue still wants the word of a filter that blocks."""
    if comparison.turn_id is not None:
        return False
    plan = plan_for(comparison.project_id)
    text_id = comparison.pool_prompt_id or comparison.pk
    return plan.blocks and verdicts.standing_on_record(plan, text_id) == verdicts.WAITING


def judged_prompts(project_id: UUID) -> Q:
    """Prompts of the pool that people may be shown: where the project blocks, those that every filter let through."""
    return verdicts.judged(plan_for(project_id), "pk")


def require_judged(prompt: Prompt) -> None:
    """
    Raises:
        Gone: the content filter blocks it. Invalid: it waits for its verdict.
    """
    plan = plan_for(prompt.project_id)
    standing = verdicts.standing_on_record(plan, prompt.pk) if plan.blocks else verdicts.OPEN
    if standing == verdicts.BLOCKED:
        raise Gone("The content filter blocks this prompt.")
    if standing == verdicts.WAITING:
        raise Invalid(UNJUDGED)


def whole(messages: Sequence[Message]) -> str:
    """All that a reader may be shown of a prompt."""
    return "\n".join(message["content"] for message in messages)
