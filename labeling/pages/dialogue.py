"""What the pages of a dialogue show: turns with their provenance, the reply being written, the
composer and its suggestions. Reads only; writes are in `labeling/dialogues.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import redis
from django import forms
from django.utils import timezone

from labeling.errors import Invalid
from labeling.models import Dialogue, Review, Turn, TurnFeedback
from labeling.pages.forms import COMPLAINTS, PRAISE
from labeling.pages.provenance import Provenance, provenance
from sampler import streams
from sampler.models import Completion, SampleRequest

if TYPE_CHECKING:
    from accounts.models import User

ENDED = (SampleRequest.State.DONE, SampleRequest.State.CANCELLED, SampleRequest.State.FAILED)


@dataclass(frozen=True)
class ShownTurn:
    turn: Turn
    provenance: Provenance
    feedback: TurnFeedback | None
    editing: bool = False


@dataclass(frozen=True)
class Live:
    """A text that is or was being written: `text` so far, to be followed from `after`."""

    request: SampleRequest
    index: int
    text: str
    after: str
    ended: bool
    failed: str = ""
    completion: Completion | None = None
    number: int = 0


def context(dialogue: Dialogue, *, user: User) -> dict[str, Any]:
    """Everything of the demonstration, chat and read-only pages."""
    composer = dialogue.composer or {}
    turns = list(dialogue.turns.select_related("completion").order_by("position"))
    given = {f.turn_id: f for f in TurnFeedback.objects.filter(turn__dialogue=dialogue, user=user)}
    editing = composer.get("edit_turn") or ""
    shown = [_shown(dialogue, turn, given.get(turn.pk), str(turn.pk) == editing) for turn in turns]
    live = _reply(dialogue)
    return {
        "dialogue": dialogue,
        "project": dialogue.project,
        "turns": shown,
        "composer": composer,
        "role": _next_role(turns, composer),
        "roles": [
            role for role in Turn.Role.choices if role[0] != "system" or not any(t.role == "system" for t in turns)
        ],
        "position": composer.get("position"),
        "editing": any(one.editing for one in shown),
        "live": live,
        "unanswered": live is None and bool(turns) and turns[-1].role == "user" and dialogue.kind == "chat",
        "suggestions": (cards := _suggestions(composer)),
        "suggesting": any(not card.ended for card in cards),
        "praise": PRAISE,
        "complaints": COMPLAINTS,
        "can_undo": _can_undo(dialogue),
        "sent_back": _sent_back(dialogue),
    }


def _can_undo(dialogue: Dialogue) -> bool:
    if dialogue.state != Dialogue.State.SUBMITTED or dialogue.submitted_at is None:
        return False
    return (timezone.now() - dialogue.submitted_at).total_seconds() < dialogue.project.undo_minutes * 60


def _sent_back(dialogue: Dialogue) -> Review | None:
    """What a reviewer wants mended: of a returned dialogue, and of the draft in which it is mended."""
    returned = dialogue.pk if dialogue.state == Dialogue.State.RETURNED else dialogue.supersedes_id
    if returned is None:
        return None
    rows = Review.objects.filter(dialogue=returned, decision=Review.Decision.RETURNED)
    return rows.select_related("reviewer").order_by("-created_at").first()


def _shown(dialogue: Dialogue, turn: Turn, feedback: TurnFeedback | None, editing: bool) -> ShownTurn:
    models = dialogue.kind == Dialogue.Kind.CHAT and turn.completion_id is not None
    return ShownTurn(turn, Provenance("model") if models else provenance(turn), feedback, editing)


def shown_turn(turn: Turn, *, user: User) -> ShownTurn:
    feedback = TurnFeedback.objects.filter(turn=turn, user=user).first()
    return ShownTurn(turn, Provenance("model"), feedback)


def _next_role(turns: list[Turn], composer: Mapping[str, Any]) -> str:
    if composer.get("role"):
        return str(composer["role"])
    position = composer.get("position")
    before = turns[-1] if position is None and turns else next((t for t in turns if t.position + 1 == position), None)
    return Turn.Role.ASSISTANT if before is not None and before.role == Turn.Role.USER else Turn.Role.USER


def role_of_next(dialogue: Dialogue, composer: Mapping[str, Any]) -> str:
    return _next_role(list(dialogue.turns.order_by("position")), composer)


def length(dialogue: Dialogue) -> int:
    return dialogue.turns.count()


def _reply(dialogue: Dialogue) -> Live | None:
    request = dialogue.pending_request
    return None if request is None else _live([request])[0]


def _suggestions(composer: Mapping[str, Any]) -> list[Live]:
    ids = composer.get("requests") or []
    rows = {str(row.pk): row for row in SampleRequest.objects.filter(pk__in=ids)} if ids else {}
    return _live([rows[pk] for pk in ids if pk in rows])


def _live(requests: list[SampleRequest]) -> list[Live]:
    """One entry for each text; the stored rows where a request has ended, else the stream's snapshot."""
    ended = [request for request in requests if request.state in ENDED]
    stored: dict[UUID, list[Completion]] = {}
    for row in Completion.objects.filter(request__in=ended).order_by("index") if ended else []:
        stored.setdefault(row.request_id, []).append(row)  # type: ignore[arg-type]
    entries: list[Live] = []
    for request in requests:
        if request.state in ENDED:
            failed = request.failure
            rows = stored.get(request.pk, [])
            entries += [Live(request, row.index, row.text.strip(), "", True, failed, row) for row in rows]
            if not rows:
                entries.append(Live(request, 0, "", "", True, failed))
        else:
            texts, after = _snapshot(request)
            entries += [
                Live(request, index, texts[index] if index < len(texts) else "", after, False)
                for index in range(request.n)
            ]
    return [Live(**(vars(entry) | {"number": number})) for number, entry in enumerate(entries, 1)]


def _snapshot(request: SampleRequest) -> tuple[list[str], str]:
    try:
        texts, after, _ = streams.snapshot(request.pk)
    except redis.RedisError:
        return [], "0"  # the row still tells the end
    return texts, after


def followable(dialogue: Dialogue) -> set[str]:
    """Ids of the requests whose live text belongs to this dialogue."""
    ids = set((dialogue.composer or {}).get("requests") or [])
    if dialogue.pending_request_id:
        ids.add(str(dialogue.pending_request_id))
    return ids


def suggestion(dialogue: Dialogue, completion_id: UUID | str | None) -> Completion | None:
    """A completion that was offered in this dialogue; others are as if there were none."""
    if not completion_id:
        return None
    offered = (dialogue.composer or {}).get("requests") or []
    return Completion.objects.filter(pk=completion_id, request__in=offered).first()


def suggestions_shown(dialogue: Dialogue) -> list[str]:
    offered = (dialogue.composer or {}).get("requests") or []
    rows = Completion.objects.filter(request__in=offered).order_by("request__created_at", "request", "index")
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def with_suggestion(dialogue: Dialogue, composer: dict[str, Any], use: str | None) -> dict[str, Any]:
    """The composer with the text of suggestion `use` in it."""
    try:
        row = suggestion(dialogue, UUID(use)) if use else None
    except ValueError:
        row = None
    return composer if row is None else composer | {"text": row.text.strip(), "completion": str(row.pk)}


def not_editing(composer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in composer.items() if name not in ("edit_turn", "edit_text")}


def check(form: forms.Form) -> None:
    if not form.is_valid():
        words = " ".join(str(message) for messages in form.errors.values() for message in messages)
        raise Invalid(f"That could not be read: {words}")


def nothing_unsent(dialogue: Dialogue, sent: Mapping[str, Any]) -> None:
    """Text still in the composer is not part of what is submitted: ask before it is lost."""
    unsent = str(sent.get("text", (dialogue.composer or {}).get("text") or "")).strip()
    if unsent and not sent.get("without_unsent"):
        raise Invalid("There is unsent text below: add it or send it, or empty the field, then submit.")
