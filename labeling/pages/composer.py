"""What stands unsent in a dialogue's composer: the next turn's text, its place, the suggestions asked for.

It is kept as JSON on the dialogue (`Dialogue.composer`), so every value is read here with its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from labeling.errors import Invalid
from labeling.models import Dialogue
from sampler.models import Completion

Composer = Mapping[str, object]


def requests_in(composer: Composer) -> list[UUID]:
    """Ids of the requests whose suggestions were asked for, in that order."""
    ids = composer.get("requests")
    return [UUID(pk) for pk in ids] if isinstance(ids, list) else []


def position_in(composer: Composer) -> int | None:
    """Where the next turn is inserted; None: at the end."""
    position = composer.get("position")
    return position if isinstance(position, int) else None


def suggestion(dialogue: Dialogue, completion_id: UUID | None) -> Completion | None:
    """A completion that was offered in this dialogue; others are as if there were none."""
    if completion_id is None:
        return None
    return Completion.objects.filter(pk=completion_id, request__in=requests_in(dialogue.composer), withheld="").first()


def suggestions_shown(dialogue: Dialogue) -> list[str]:
    rows = Completion.objects.filter(request__in=requests_in(dialogue.composer))
    rows = rows.order_by("request__created_at", "request", "index")
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def with_suggestion(dialogue: Dialogue, composer: Composer, use: str | None) -> Composer:
    """The composer with the text of suggestion `use` in it."""
    try:
        row = suggestion(dialogue, UUID(use)) if use else None
    except ValueError:
        row = None
    return composer if row is None else {**composer, "text": row.text.strip(), "completion": str(row.pk)}


def not_editing(composer: Composer) -> Composer:
    return {name: value for name, value in composer.items() if name not in ("edit_turn", "edit_text")}


def nothing_unsent(dialogue: Dialogue, sent: Mapping[str, object]) -> None:
    """Text still in the composer is not part of what is submitted: ask before it is lost."""
    unsent = str(sent.get("text", dialogue.composer.get("text") or "")).strip()
    if unsent and not sent.get("without_unsent"):
        raise Invalid("There is unsent text below: add it or send it, or empty the field, then submit.")
