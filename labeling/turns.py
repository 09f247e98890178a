"""Writes on the turns of a demonstration's draft, and on the composer in which the next one is written.

Turns of a chat: `labeling/chats.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext_noop

from labeling import contents, drafts, edits
from labeling.errors import Gone, Invalid
from labeling.models import Dialogue, Turn
from labeling.suggestions import require_offered
from labeling.text import check_json, clean
from sampler.models import Completion

GIVEN = gettext_noop("The prompt was given and stays as it is: write what comes after it.")


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

    Raises:
        Blocked: by the content filter; nothing was added.
    """
    text = drafts.checked_text(dialogue.project, text)
    checked = contents.check(project_id=dialogue.project_id, text=text, author_id=dialogue.author_id)
    with transaction.atomic():
        turn = _add(
            dialogue, role, text, completion, suggestions_shown, position, seconds, pasted_chars, expected_version
        )
        checked.keep(turn.pk)
    return turn


def _add(
    dialogue: Dialogue, role: str, text: str, completion: Completion | None, suggestions_shown: Sequence[str],
    position: int | None, seconds: int, pasted_chars: int, expected_version: int | None,
) -> Turn:  # fmt: skip
    locked = drafts.lock_draft(dialogue, expected_version)
    _require_demonstration(locked)
    named = [UUID(str(cid)) for cid in suggestions_shown]
    if completion is not None and completion.pk not in named:
        named.append(completion.pk)
    require_offered(dialogue=locked, completion_ids=named)
    at = _make_room(locked, role, position)
    turn = Turn.objects.create(
        dialogue=locked,
        position=at,
        role=role,
        text=text,
        completion=_still_from(completion, text),
        suggestions_shown=[str(cid) for cid in named],
        seconds=min(seconds, drafts.MAX_SECONDS_PER_SAVE),
        pasted_chars=pasted_chars,
    )
    drafts.touch(locked, dialogue, composer={}, seconds=seconds)
    return turn


def _still_from(completion: Completion | None, text: str) -> Completion | None:
    """The suggestion used, unless nothing of it is left: it was shown, and the words are the author's own."""
    return None if completion is None or edits.nothing_is_left(completion.text, text) else completion


def _make_room(locked: Dialogue, role: str, position: int | None) -> int:
    """Where the new turn goes, with those from there on moved up by one. The system's turn is always the first."""
    if role not in Turn.Role.values:
        raise Invalid("A turn is the system's, the user's or the assistant's.")
    last = locked.turns.aggregate(last=Max("position"))["last"]
    end = 0 if last is None else last + 1
    if end >= drafts.MAX_TURNS:
        raise Invalid("A dialogue holds at most %(most)s turns.", most=drafts.MAX_TURNS)
    at = end if position is None else max(0, min(position, end))
    if at < locked.given_turns or (role == Turn.Role.SYSTEM and locked.given_turns):
        raise Invalid(GIVEN)
    if role == Turn.Role.SYSTEM or at == 0:
        has_system = locked.turns.filter(role=Turn.Role.SYSTEM).exists()
        if has_system and role == Turn.Role.SYSTEM:
            raise Invalid("The dialogue has a system turn already; edit that one.")
        at = 1 if has_system else 0
    locked.turns.filter(position__gte=at).update(position=F("position") + 1)
    return at


def edit_turn(
    *,
    turn: Turn,
    text: str,
    completion: Completion | None = None,
    seconds: int = 0,
    expected_version: int | None = None,
) -> Turn:
    """Change a turn of a demonstration's draft; `completion` names a suggestion newly put in.

    Raises:
        Gone: the turn was deleted meanwhile.
        Blocked: by the content filter; nothing was changed.
    """
    text = drafts.checked_text(turn.dialogue.project, text)
    checked = contents.check(project_id=turn.dialogue.project_id, text=text, author_id=turn.dialogue.author_id)
    with transaction.atomic():
        _edit(turn, text, completion, seconds, expected_version)
        checked.keep_edited(turn.pk)
    return turn


def _edit(turn: Turn, text: str, completion: Completion | None, seconds: int, expected_version: int | None) -> None:
    locked = drafts.lock_draft(turn.dialogue, expected_version)
    _require_demonstration(locked)
    position = locked.turns.filter(pk=turn.pk).values_list("position", flat=True).first()
    if position is None:
        raise Gone("This turn was deleted meanwhile.")
    if position < locked.given_turns:
        raise Invalid(GIVEN)
    turn.text = text
    if completion is not None:
        require_offered(dialogue=locked, completion_ids=[completion.pk])
        turn.completion = completion
    if turn.completion is not None and str(turn.completion.pk) not in turn.suggestions_shown:
        turn.suggestions_shown = [*turn.suggestions_shown, str(turn.completion.pk)]
    turn.completion = _still_from(turn.completion, text)
    turn.edited_at = timezone.now()
    turn.seconds = F("seconds") + min(seconds, drafts.MAX_SECONDS_PER_SAVE)
    turn.save(update_fields=["text", "completion", "suggestions_shown", "edited_at", "seconds"])
    turn.refresh_from_db(fields=["seconds"])
    drafts.touch(locked, turn.dialogue, seconds=seconds)


@transaction.atomic
def delete_turn(*, turn: Turn, expected_version: int | None = None) -> None:
    """Delete a turn of a demonstration's draft and close the gap.

    Raises:
        Gone: it was deleted meanwhile.
    """
    locked = drafts.lock_draft(turn.dialogue, expected_version)
    _require_demonstration(locked)
    position = locked.turns.filter(pk=turn.pk).values_list("position", flat=True).first()
    if position is None:
        raise Gone("This turn was deleted meanwhile.")
    if position < locked.given_turns:
        raise Invalid(GIVEN)
    turn.delete()
    locked.turns.filter(position__gt=position).update(position=F("position") - 1)
    drafts.touch(locked, turn.dialogue)


@transaction.atomic
def save_composer(
    *, dialogue: Dialogue, composer: Mapping[str, object], expected_version: int | None = None, seconds: int = 0
) -> int:
    """Keep unsent text; return the new version.

    Raises:
        Conflict: another tab saved since `expected_version`.
        Gone: the dialogue is submitted or discarded.
    """
    locked = drafts.lock_draft(dialogue, expected_version)
    check_json(composer)
    kept = dict(composer)
    if isinstance(text := kept.get("text"), str):
        kept["text"] = cleaned = clean(text)
        if not cleaned.strip():  # emptied: what is written next is the author's own
            kept["completion"] = ""
    drafts.touch(locked, dialogue, composer=kept, seconds=seconds)
    return dialogue.version


def _require_demonstration(dialogue: Dialogue) -> None:
    if dialogue.kind != Dialogue.Kind.DEMONSTRATION:
        raise Invalid("Turns of a chat are not edited: its answers are the model's own words.")
