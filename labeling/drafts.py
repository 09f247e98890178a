"""What every write on a draft shares: its lock, its version, its text, its turns as messages."""

from __future__ import annotations

from common.shapes import Message
from common.visible import visible
from labeling import prompt_lengths
from labeling.control_tokens import refuse_in
from labeling.errors import Conflict, Gone, Invalid, within
from labeling.models import Dialogue, Project, Turn
from labeling.text import clean

MAX_TURNS = 200
MAX_SECONDS_PER_SAVE = 600


def messages_of(dialogue: Dialogue, *, before: Turn | None = None) -> list[Message]:
    """The dialogue's turns as messages, up to but without `before`."""
    turns = dialogue.turns.order_by("position")
    if before is not None:
        turns = turns.filter(position__lt=before.position)
    return [{"role": turn.role, "content": turn.text} for turn in turns]


def lock_draft(dialogue: Dialogue, expected_version: int | None) -> Dialogue:
    """The draft's row, locked.

    Raises:
        Gone: it was submitted or discarded. Conflict: another tab changed it since `expected_version`.
    """
    locked = (
        Dialogue.objects.select_for_update(of=("self",))
        .select_related("project", "round", "model_version")  # what changes is read under the lock, not with it
        .get(pk=dialogue.pk)
    )
    require_draft(locked)
    if expected_version is not None and expected_version != locked.version:
        raise Conflict("This dialogue was changed in another tab.", version=locked.version)
    return locked


def require_draft(locked: Dialogue) -> None:
    """Raises Gone where it was submitted or discarded."""
    if locked.state != Dialogue.State.DRAFT:
        raise Gone("This dialogue was submitted or discarded and does not change any more.")


def touch(locked: Dialogue, dialogue: Dialogue, *, seconds: int = 0, **columns: object) -> None:
    """Count one change, set columns, and carry both over to the caller's instance."""
    columns["version"] = locked.version + 1
    columns["seconds"] = locked.seconds + max(0, min(seconds, MAX_SECONDS_PER_SAVE))
    for name, value in columns.items():
        setattr(locked, name, value)
        setattr(dialogue, name, value)
    locked.save(update_fields=[*columns, "saved_at"])


def checked_text(project: Project, text: str) -> str:
    """A turn's text as it is stored; refused are an empty one, one longer than the models read, and a control token."""
    with within("text"):
        text = clean(text)
        if not visible(text):
            raise Invalid("The turn is empty.")
        prompt_lengths.check_message(project, text)
    refuse_in(text)
    return text
