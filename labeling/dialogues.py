"""Writes on dialogues as a whole: begun, submitted, given up.

Each function locks the dialogue's row first, so that two tabs or a tab and a worker never interleave;
`version` counts the changes, and a caller that passes `expected_version` is told when another was first.
A submitted dialogue never changes: what its author may still do with it is in `corrections.py`.

Turns of a demonstration: `turns.py`; of a chat: `chats.py`; what all writes on a draft share: `drafts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from common.shapes import Message
from common.transitions import advance
from labeling import chats, contents, drafts, offering, policies, random_turn, telling
from labeling.errors import Gone, Invalid
from labeling.models import RED_TEAM, Assignment, Dialogue, Membership, Project, Prompt, Turn
from labeling.projects import WITHDRAWN_PROMPT, current_guidelines, current_round, role_of, split_for
from labeling.quality import screening
from labeling.red_team import attempts
from labeling.text import check_messages, prompt_key
from sampler import sampling
from sampler.models import ModelVersion

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def start_dialogue(
    *,
    project: Project,
    author: User,
    kind: str,
    prompt: Prompt | None = None,
    given: bool = False,
    by_program: bool = False,
) -> Dialogue:
    """Begin a draft; a chat draws the model version that answers, by the open round's weights. The `kind` "red_team" is
    a chat with the rule whose turn it is.

    A prompt's last message goes into the composer, what comes before it becomes turns. One that is `given` becomes
    turns as a whole, which do not change.

    Raises:
        Invalid: the person's role or the project's task types do not allow it, or no round is open.
        NotAgreed: they have to read something first. Gone: the prompt was withdrawn, or went with its import.
    """
    role = role_of(project, author)
    chatting = kind in (Dialogue.Kind.CHAT, RED_TEAM)
    if role is None or (role == Membership.Role.GUEST and kind != Dialogue.Kind.CHAT):
        raise Invalid("Your role in this project does not include this kind of work.")
    if not (chatting or kind == Dialogue.Kind.DEMONSTRATION) or kind not in project.task_types:
        raise Invalid("This project has no tasks of the kind %(kind)s.", kind=repr(kind))
    offering.check(project=project, person=author, by_program=by_program)
    model_version, drawn = _model_to_chat_with(project) if chatting else (None, None)
    if prompt is not None:  # a withdrawal that empties it waits, and then finds what was opened with it
        prompt = Prompt.objects.select_for_update(no_key=True, of=("self",)).filter(pk=prompt.pk).first()
        if prompt is None:
            raise Gone("This prompt is not in the project any more.")
        if prompt.content_hash.startswith(WITHDRAWN_PROMPT):
            raise Gone("This prompt was withdrawn by its author.")
        contents.require_judged(prompt)
    round_ = current_round(project)
    rule = None
    if kind == RED_TEAM:
        avoided = offering.avoided(project, author)
        rule = attempts.next_rule(project=project, author=author, round_=round_, avoided=avoided)
    dialogue = Dialogue.objects.create(
        project=project,
        round=round_,
        author=author,
        kind=Dialogue.Kind.CHAT if chatting else kind,
        rule=rule,
        prompt=prompt,
        guideline_version=current_guidelines(project),
        model_version=model_version,
        policy_draw=drawn,
    )
    _open_with(dialogue, prompt, given=given)
    return dialogue


def _model_to_chat_with(project: Project) -> tuple[ModelVersion, policies.PolicyDraw]:
    available = policies.policies_of(project)
    if not available:
        raise Invalid("No round is open: there is no model to chat with. Ask the project's manager to open one.")
    drawn = policies.draw(available)
    (slug,) = drawn["drawn"]
    return next(p.model_version for p in available if p.model_version.slug == slug), drawn


def _open_with(dialogue: Dialogue, prompt: Prompt | None, *, given: bool) -> None:
    opening = list(prompt.messages) if prompt is not None else []
    system = dialogue.model_version.system_prompt if dialogue.model_version is not None else ""
    if system and not (opening and opening[0]["role"] == Turn.Role.SYSTEM):
        # Explicit, so that the judge and the export see what the model saw.
        opening.insert(0, {"role": Turn.Role.SYSTEM, "content": system})
    if given:
        dialogue.given_turns = len(opening)
        dialogue.save(update_fields=["given_turns"])
    elif opening and opening[-1]["role"] == Turn.Role.USER:
        dialogue.composer = {"role": Turn.Role.USER, "text": opening.pop()["content"]}
        dialogue.save(update_fields=["composer"])
    _write_context(dialogue, opening)


def _write_context(dialogue: Dialogue, messages: Sequence[Message]) -> None:
    """Turns that stood before the author wrote: an answer among them is nobody's example."""
    Turn.objects.bulk_create(
        Turn(
            dialogue=dialogue,
            position=position,
            role=message["role"],
            text=message["content"],
            is_example=message["role"] != Turn.Role.ASSISTANT,
        )
        for position, message in enumerate(messages)
    )


@transaction.atomic
def submit_dialogue(*, dialogue: Dialogue, expected_version: int | None = None) -> Dialogue:
    """Make the draft data. A submitted chat draws its random turns in the same transaction; a red-team chat where its
    project asks for that.

    Raises:
        Invalid: the turns are not a dialogue: no answer, wrong order, or a reply still being written.
    """
    locked = drafts.lock_draft(dialogue, expected_version)
    if locked.kind == Dialogue.Kind.CHAT:
        chats.finish(locked)
    if locked.rule_id:
        attempts.require_said(locked)
    if not locked.turns.exists():
        raise Invalid("The dialogue is empty.")
    key = prompt_key(check_messages(drafts.messages_of(locked), last="assistant"))
    move(
        locked,
        Dialogue.State.SUBMITTED,
        submitted_at=timezone.now(),
        guideline_version=current_guidelines(locked.project),
        prompt_key=key,
        split=split_for(locked.project, key, locked.author_id),
        system_turn=policies.system_turn_of(locked.round) if locked.kind == Dialogue.Kind.DEMONSTRATION else None,
        composer={},
        pending_request=None,
        version=locked.version + 1,
    )
    if locked.kind == Dialogue.Kind.CHAT and (not locked.rule_id or locked.project.rank_red_team):
        random_turn.draw_for(dialogue=locked)
    screening.screen_dialogue(locked)
    telling.submitted(locked.project, trainer_id=locked.author_id)
    dialogue.refresh_from_db()
    return dialogue


def submit_ideal_answer(*, assignment: Assignment, text: str, begun_from: str | None = None) -> Dialogue:
    """The answer that a trainer wrote beside a ranking, as a demonstration of theirs, submitted with it. `begun_from`
    is the completion that they edited."""
    comparison = assignment.comparison
    dialogue = Dialogue.objects.create(
        project=comparison.project,
        round=comparison.round,
        author_id=assignment.trainer_id,
        kind=Dialogue.Kind.DEMONSTRATION,
        state=Dialogue.State.SUBMITTED,
        submitted_at=timezone.now(),
        guideline_version_id=assignment.guideline_version_id,
        source="ideal answer",
        answer_to=comparison,
        system_turn=policies.system_turn_of(comparison.round),
        prompt_key=comparison.prompt_key,
        split=comparison.split,
    )
    _write_context(dialogue, comparison.prompt)
    Turn.objects.create(
        dialogue=dialogue,
        position=len(comparison.prompt),
        role=Turn.Role.ASSISTANT,
        text=text,
        completion_id=begun_from,
    )
    return dialogue


def own_turn_of(ideal_answer: Dialogue) -> UUID:
    """The turn that the trainer wrote; those before it are the comparison's prompt."""
    return ideal_answer.turns.order_by("-position").values_list("pk", flat=True)[0]


@transaction.atomic
def discard_dialogue(*, dialogue: Dialogue) -> None:
    """Give a draft up; a reply being written is stopped."""
    locked = drafts.lock_draft(dialogue, None)
    if locked.pending_request_id:
        sampling.cancel(request_id=locked.pending_request_id)
    move(locked, Dialogue.State.DISCARDED, pending_request=None, version=locked.version + 1)
    dialogue.refresh_from_db()


def empty(*, rows: QuerySet[Dialogue], text: str) -> None:
    """Withdrawal: `text` in the place of every turn; drafts are given up, so that no tab writes on in them."""
    Turn.objects.filter(dialogue__in=rows).update(text=text, suggestions_shown=[], pasted_chars=0)
    rows.update(
        composer={},
        source_row=None,
        pending_request=None,
        withdrawn_at=Coalesce("withdrawn_at", Value(timezone.now(), output_field=DateTimeField())),
    )
    advance(rows.filter(state=Dialogue.State.DRAFT), to=Dialogue.State.DISCARDED, table=Dialogue.TRANSITIONS)


def move(locked: Dialogue, state: str, **columns: object) -> None:
    if not advance(locked, to=state, table=Dialogue.TRANSITIONS, **columns):
        raise Gone("This dialogue is not open to that step any more.")
