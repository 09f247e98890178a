"""Writes on dialogues: begun, written, submitted, taken back, judged.

Each function locks the dialogue's row first, so that two tabs or a tab and a worker never interleave;
`version` counts the changes, and a caller that passes `expected_version` is told when another was first.
A submitted dialogue never changes: taking it back dates it and hands its author a copy as a draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from labeling import chats, drafts, selection
from labeling.errors import Gone, Invalid
from labeling.models import Dialogue, Membership, Project, Prompt, Turn, TurnFeedback
from labeling.projects import current_guidelines, current_round, role_of, split_for
from labeling.text import check_json, check_messages, clean, prompt_key
from sampler import sampling
from sampler.models import Completion, SampleRequest

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def start_dialogue(*, project: Project, author: User, kind: str, prompt: Prompt | None = None) -> Dialogue:
    """Begin a draft; a chat draws the model version that answers, by the open round's weights.

    A prompt's last message goes into the composer, what comes before it becomes turns.

    Raises:
        Invalid: the person's role or the project's task types do not allow it, or no round is open.
    """
    role = role_of(project, author)
    if role is None or (role == Membership.Role.GUEST and kind != Dialogue.Kind.CHAT):
        raise Invalid("Your role in this project does not include this kind of work.")
    if kind not in (Dialogue.Kind.CHAT, Dialogue.Kind.DEMONSTRATION) or kind not in project.task_types:
        raise Invalid(f"This project has no tasks of the kind {kind!r}.")
    round_ = current_round(project)
    model_version = None
    if kind == Dialogue.Kind.CHAT:
        policies = list(round_.policies.select_related("model_version")) if round_ else []
        if not policies:
            raise Invalid("No round is open: there is no model to chat with. Ask the project's manager to open one.")
        chosen = selection.pick_weighted(policies, [p.weight for p in policies], Random(selection.new_seed()))[0]
        model_version = chosen.model_version
    dialogue = Dialogue.objects.create(
        project=project,
        round=round_,
        author=author,
        kind=kind,
        prompt=prompt,
        guideline_version=current_guidelines(project),
        model_version=model_version,
    )
    opening = list(prompt.messages) if prompt is not None else []
    if model_version is not None and model_version.system_prompt and not (opening and opening[0]["role"] == "system"):
        # Explicit, so that the judge and the export see what the model saw.
        opening.insert(0, {"role": Turn.Role.SYSTEM, "content": model_version.system_prompt})
    if opening and opening[-1]["role"] == Turn.Role.USER:
        dialogue.composer = {"role": Turn.Role.USER, "text": opening.pop()["content"]}
        dialogue.save(update_fields=["composer"])
    Turn.objects.bulk_create(
        Turn(dialogue=dialogue, position=position, role=message["role"], text=message["content"])
        for position, message in enumerate(opening)
    )
    return dialogue


@transaction.atomic
def add_turn(
    *,
    dialogue: Dialogue,
    role: str,
    text: str,
    completion: Completion | None = None,
    suggestions_shown: Sequence[str] = (),
    position: int | None = None,
    seconds: int = 0,
    pasted_chars: int = 0,
    expected_version: int | None = None,
) -> Turn:
    """Put a turn at `position` (default: the end) of a demonstration and empty the composer.

    Order of roles is checked at submission, so that turns can be inserted and deleted meanwhile.
    """
    locked = drafts.lock_draft(dialogue, expected_version)
    _require_demonstration(locked)
    text = drafts.checked_text(text)
    if role not in Turn.Role.values:
        raise Invalid("A turn is the system's, the user's or the assistant's.")
    end = (locked.turns.aggregate(last=Max("position"))["last"] or 0) + 1 if locked.turns.exists() else 0
    if end >= drafts.MAX_TURNS:
        raise Invalid(f"A dialogue holds at most {drafts.MAX_TURNS} turns.")
    at = end if position is None else max(0, min(position, end))
    if role == Turn.Role.SYSTEM:
        at = 0
        if locked.turns.filter(role=Turn.Role.SYSTEM).exists():
            raise Invalid("The dialogue has a system turn already; edit that one.")
    elif at == 0 and locked.turns.filter(role=Turn.Role.SYSTEM).exists():
        at = 1
    locked.turns.filter(position__gte=at).update(position=F("position") + 1)
    turn = Turn.objects.create(
        dialogue=locked,
        position=at,
        role=role,
        text=text,
        completion=completion,
        suggestions_shown=[str(cid) for cid in suggestions_shown],
        seconds=min(seconds, drafts.MAX_SECONDS_PER_SAVE),
        pasted_chars=pasted_chars,
    )
    drafts.touch(locked, dialogue, composer={}, seconds=seconds)
    return turn


@transaction.atomic
def edit_turn(
    *,
    turn: Turn,
    text: str,
    completion: Completion | None = None,
    seconds: int = 0,
    expected_version: int | None = None,
) -> Turn:
    """Change a turn of a demonstration's draft; `completion` names a suggestion newly put in."""
    locked = drafts.lock_draft(turn.dialogue, expected_version)
    _require_demonstration(locked)
    turn.text = drafts.checked_text(text)
    if completion is not None:
        turn.completion = completion
    turn.edited_at = timezone.now()
    turn.seconds = F("seconds") + min(seconds, drafts.MAX_SECONDS_PER_SAVE)  # type: ignore[assignment]
    turn.save(update_fields=["text", "completion", "edited_at", "seconds"])
    turn.refresh_from_db(fields=["seconds"])
    drafts.touch(locked, turn.dialogue, seconds=seconds)
    return turn


@transaction.atomic
def delete_turn(*, turn: Turn, expected_version: int | None = None) -> None:
    """Delete a turn of a demonstration's draft and close the gap."""
    locked = drafts.lock_draft(turn.dialogue, expected_version)
    _require_demonstration(locked)
    position = turn.position
    turn.delete()
    locked.turns.filter(position__gt=position).update(position=F("position") - 1)
    drafts.touch(locked, turn.dialogue)


@transaction.atomic
def save_composer(
    *, dialogue: Dialogue, composer: Mapping[str, Any], expected_version: int | None = None, seconds: int = 0
) -> int:
    """Keep unsent text; return the new version.

    Raises:
        Conflict: another tab saved since `expected_version`.
        Gone: the dialogue is submitted or discarded.
    """
    locked = drafts.lock_draft(dialogue, expected_version)
    check_json(composer)
    kept = dict(composer)
    if "text" in kept:
        kept["text"] = clean(kept["text"])
    drafts.touch(locked, dialogue, composer=kept, seconds=seconds)
    return dialogue.version


@transaction.atomic
def request_suggestions(*, dialogue: Dialogue, role: str, n: int | None = None) -> list[SampleRequest]:
    """Ask the round's model versions for `n` texts for the next turn, on either side.

    One request for each model version that was drawn, so that each may stream on its own.
    """
    locked = drafts.lock_draft(dialogue, None)
    if role not in (Turn.Role.USER, Turn.Role.ASSISTANT):
        raise Invalid("Suggestions are written for the user's or the assistant's turn.")
    round_ = current_round(locked.project) or locked.round
    policies = list(round_.policies.select_related("model_version")) if round_ else []
    if not policies:
        raise Invalid("No round is open: there is no model to ask.")
    prompt = drafts.messages_of(locked)
    if role == Turn.Role.ASSISTANT and not any(m["role"] == "user" for m in prompt):
        raise Invalid("Write the user's turn first: there is nothing to answer yet.")
    count = max(1, min(n or locked.project.suggestions_per_request, 9))
    drawn = selection.pick_weighted(policies, [p.weight for p in policies], Random(selection.new_seed()), n=count)
    return [
        sampling.request_completions(
            model_version=policy.model_version,
            prompt=prompt,
            n=drawn.count(policy),
            writes=role,
            params={"max_tokens": locked.project.max_tokens, **policy.params},
            purpose=SampleRequest.Purpose.SUGGESTION,
            priority=SampleRequest.Priority.INTERACTIVE,
        )
        for policy in policies
        if policy in drawn
    ]


@transaction.atomic
def submit_dialogue(*, dialogue: Dialogue, expected_version: int | None = None) -> Dialogue:
    """Make the draft data. A submitted chat draws its random turns in the same transaction.

    Raises:
        Invalid: the turns are no dialogue: no answer, wrong order, or a reply still being written.
    """
    from labeling import draws
    from labeling.quality import screening

    locked = drafts.lock_draft(dialogue, expected_version)
    if locked.kind == Dialogue.Kind.CHAT:
        chats.settle(locked)
        if locked.pending_request is not None and locked.pending_request.state not in chats.ENDED:
            raise Invalid("The model is still writing. Wait for it, or stop it.")
        last = locked.turns.order_by("-position").first()
        if last is not None and last.role == Turn.Role.USER:
            if not locked.turns.filter(role=Turn.Role.ASSISTANT).exists():
                raise Invalid("The chat has no answer yet.")
            last.delete()  # a last message without an answer is no part of the dialogue
    if not locked.turns.exists():
        raise Invalid("The dialogue is empty.")
    messages = check_messages(drafts.messages_of(locked), last="assistant")
    key = prompt_key(messages)
    columns: dict[str, Any] = {
        "submitted_at": timezone.now(),
        "guideline_version": current_guidelines(locked.project),
        "prompt_key": key,
        "split": split_for(locked.project, key, locked.author_id),
        "composer": {},
        "pending_request": None,
        "version": locked.version + 1,
    }
    _advance(locked, Dialogue.State.SUBMITTED, **columns)
    if locked.kind == Dialogue.Kind.CHAT:
        draws.draw_for(dialogue=locked)
    screening.screen_dialogue(locked)
    dialogue.refresh_from_db()
    return dialogue


@transaction.atomic
def undo_submission(*, dialogue: Dialogue) -> Dialogue:
    """Take a submission back within the project's minutes: a copy becomes the draft, and what was
    drawn from it is discarded.

    Raises:
        Gone: the time is over, or somebody is working on what was drawn from it.
    """
    from labeling import comparisons

    locked = Dialogue.objects.select_for_update(of=("self",)).select_related("project").get(pk=dialogue.pk)
    limit = timedelta(minutes=locked.project.undo_minutes)
    now = timezone.now()
    if locked.state != Dialogue.State.SUBMITTED or locked.submitted_at is None or now - locked.submitted_at > limit:
        raise Gone("The time to take this submission back is over.")
    for comparison in locked.comparisons.select_for_update().order_by("pk"):
        if comparison.assignments.filter(state__in=["leased", "submitted"]).exists():
            raise Gone("Another trainer is already ranking an answer of this chat, so it stays.")
        comparisons.discard(comparison=comparison, reason="The chat was taken back by its author.")
    _advance(locked, Dialogue.State.DISCARDED, undone_at=now)
    draft = Dialogue.objects.create(
        project=locked.project,
        round=locked.round,
        author=locked.author,
        kind=locked.kind,
        guideline_version=locked.guideline_version,
        model_version=locked.model_version,
        prompt=locked.prompt,
        seconds=locked.seconds,
        supersedes=locked,
    )
    copy_turns(source=locked, target=draft)
    return draft


def copy_turns(*, source: Dialogue, target: Dialogue) -> None:
    """Give `target` the same turns, with their provenance."""
    Turn.objects.bulk_create(
        Turn(
            dialogue=target,
            position=turn.position,
            role=turn.role,
            text=turn.text,
            completion_id=turn.completion_id,
            suggestions_shown=turn.suggestions_shown,
            seconds=turn.seconds,
            pasted_chars=turn.pasted_chars,
        )
        for turn in source.turns.order_by("position")
    )


@transaction.atomic
def discard_dialogue(*, dialogue: Dialogue) -> None:
    """Give a draft up; a reply being written is stopped."""
    locked = drafts.lock_draft(dialogue, None)
    if locked.pending_request_id:
        sampling.cancel(request_id=locked.pending_request_id)
    _advance(locked, Dialogue.State.DISCARDED, pending_request=None, version=locked.version + 1)
    dialogue.refresh_from_db()


@transaction.atomic
def give_feedback(
    *, turn: Turn, user: User, thumb_up: bool, reasons: Sequence[str] = (), comment: str = ""
) -> TurnFeedback:
    """Thumbs on a model-written turn; a second opinion of the same person replaces the first, which is
    kept with its date, so that an export of an earlier cutoff still says what stood then."""
    if turn.role != Turn.Role.ASSISTANT or turn.completion_id is None:
        raise Invalid("Feedback is given on turns that a model wrote.")
    before = TurnFeedback.objects.select_for_update().filter(turn=turn, user=user).first()
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


def _advance(locked: Dialogue, state: str, **columns: Any) -> None:
    from common.transitions import advance

    if not advance(locked, to=state, table=Dialogue.TRANSITIONS, **columns):
        raise Gone("This dialogue is not open to that step any more.")


def _require_demonstration(dialogue: Dialogue) -> None:
    if dialogue.kind != Dialogue.Kind.DEMONSTRATION:
        raise Invalid("Turns of a chat are not edited: its answers are the model's own words.")
