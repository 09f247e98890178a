"""What the pages of a dialogue show: turns with their provenance, the reply being written, the composer.

Reads only. The parts: `composer.py`, `live.py`, `provenance.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.db.models import QuerySet

from common.compiled import compiled
from common.translated import translated
from labeling import feedback, lineage, prompt_lengths, quota
from labeling.models import Dialogue, Project, Review, Turn, TurnFeedback
from labeling.pages import cover, live, outcomes, verdicts
from labeling.pages.composer import Composer, position_in
from labeling.pages.forms import COMPLAINTS, PRAISE
from labeling.pages.live import Live
from labeling.pages.outcomes import DialogueNow
from labeling.pages.provenance import Provenance, provenance
from labeling.pages.red_team import RedTeam, red_team_of
from labeling.quota import Left
from labeling.roles import is_guests
from screening.models import Verdict

if TYPE_CHECKING:
    from accounts.models import User


ROLES = {role.value: role.name.capitalize() for role in Turn.Role}  # in English, as the messages are


@dataclass(frozen=True)
class ShownTurn:
    turn: Turn
    provenance: Provenance
    feedback: TurnFeedback | None
    editing: bool = False
    verdict: Verdict | None = None
    given: bool = False  # part of a given prompt
    insert: bool = True  # whether a turn may be put before it
    cover: str = ""  # under which id its text is revealed; empty: it is not covered

    @property
    def rated(self) -> TurnFeedback | None:
        """The person's thumb, if there is one."""
        return self.feedback if self.feedback is not None and self.feedback.thumb_up is not None else None

    @property
    def reported(self) -> str:
        """The problem that the person reported, in their words' language; empty: none."""
        problem = feedback.problem_of(self.feedback)
        return str(problem.label) if problem is not None else ""

    @property
    def who(self) -> str:
        return translated(ROLES[self.turn.role])


class DialogueContext(TypedDict):
    """Of the demonstration, chat and read-only pages alike."""

    dialogue: Dialogue
    project: Project
    turns: list[ShownTurn]
    composer: Composer
    role: str
    roles: list[tuple[str, str]]
    position: int | None
    editing: bool
    live: Live | None
    unanswered: bool
    lost: Verdict | None
    suggestions: list[Live]
    suggesting: bool
    praise: Sequence[str]
    complaints: Sequence[str]
    now: DialogueNow
    sent_back: Review | None
    red_team: RedTeam | None
    guest: bool
    left: Left | None  # of a guest's messages today
    most: int  # characters of a message; 0: none is written here
    stays: bool  # a version that a reviewer read stays where the draft is discarded
    covering: bool  # one's own chats are covered by the project's choice only


def dialogue_context(dialogue: Dialogue, *, user: User) -> DialogueContext:
    composer: Composer = dialogue.composer
    guest = is_guests(dialogue)
    turns = _turns(dialogue)
    if guest:  # what the model is told before anybody writes is the project's own
        turns = [turn for turn in turns if turn.role != Turn.Role.SYSTEM]
    shown = _shown(dialogue, turns, user)
    reply = next(iter(_covered(dialogue.project, [live.reply(dialogue)])), None)
    cards = _covered(dialogue.project, live.suggestions(composer))
    chat = dialogue.kind == Dialogue.Kind.CHAT
    asked_last = bool(turns) and turns[-1].role == Turn.Role.USER
    return {
        "dialogue": dialogue,
        "project": dialogue.project,
        "turns": shown,
        "composer": composer,
        "role": _next_role(turns, composer),
        "roles": _roles(turns, given=dialogue.given_turns),
        "position": position_in(composer),
        "editing": any(one.editing for one in shown),
        "live": reply,
        "unanswered": reply is None and asked_last and chat,
        "lost": verdicts.on_lost_reply(dialogue) if reply is None and asked_last and chat else None,
        "suggestions": cards,
        "suggesting": any(not card.ended for card in cards),
        "praise": PRAISE,
        "complaints": COMPLAINTS,
        "now": outcomes.of_dialogue(dialogue),
        "sent_back": _sent_back(dialogue),
        "red_team": red_team_of(dialogue, turns),
        "guest": guest,
        "left": quota.left(dialogue.project, user) if guest else None,
        "most": prompt_lengths.shown(dialogue.project) if dialogue.state == Dialogue.State.DRAFT else 0,
        "stays": bool(lineage.reviewed_before(dialogue).dialogue_ids),
        "covering": False,
    }


@compiled
def _turns(dialogue: Dialogue) -> QuerySet[Turn]:
    return Turn.objects.filter(dialogue=dialogue).select_related("completion").order_by("position")


@compiled
def _opinions(dialogue: Dialogue, user: User) -> QuerySet[TurnFeedback]:
    return TurnFeedback.objects.filter(turn__dialogue=dialogue, user=user).order_by()


def _sent_back(dialogue: Dialogue) -> Review | None:
    """What a reviewer wants mended: of a returned dialogue, and of the draft in which it is mended."""
    returned = dialogue.pk if dialogue.state == Dialogue.State.RETURNED else dialogue.supersedes_id
    if returned is None:
        return None
    rows = Review.objects.in_force().filter(dialogue=returned, decision=Review.Decision.RETURNED)
    return rows.select_related("reviewer").order_by("-created_at").first()


def _shown(dialogue: Dialogue, turns: Sequence[Turn], user: User) -> list[ShownTurn]:
    given = {opinion.turn_id: opinion for opinion in _opinions(dialogue, user)}
    edited = dialogue.composer.get("edit_turn")
    flagged = verdicts.on_turns(dialogue, turns) if dialogue.kind == Dialogue.Kind.CHAT else {}
    covered = _covered_turns(dialogue, turns, flagged)
    return [
        ShownTurn(
            turn,
            _provenance(dialogue, turn),
            given.get(turn.pk),
            editing=str(turn.pk) == edited,
            verdict=flagged.get(turn.pk),
            given=turn.position < dialogue.given_turns,
            insert=turn.position >= dialogue.given_turns,
            cover=str(turn.pk) if turn.pk in covered else "",
        )
        for turn in turns
    ]


def _covered_turns(dialogue: Dialogue, turns: Sequence[Turn], flagged: Mapping[UUID, Verdict]) -> set[UUID]:
    """Of a chat; of a demonstration those that were given, since its author wrote or chose the others."""
    project = dialogue.project
    if not project.cover:
        return set()
    if dialogue.kind == Dialogue.Kind.CHAT:
        found = [
            turn for turn in turns if cover.covers(project, flagged.get(turn.pk), by_model=bool(turn.completion_id))
        ]
        return {turn.pk for turn in found}
    given = [turn for turn in turns if turn.position < dialogue.given_turns]
    harmful = bool(given and dialogue.prompt is not None and dialogue.prompt.harms)
    by_model = project.cover == Project.Cover.MODEL
    return {turn.pk for turn in given if harmful or (by_model and turn.role == Turn.Role.ASSISTANT)}


def _covered(project: Project, entries: Sequence[Live | None]) -> list[Live]:
    """Each with the id under which it is revealed, where it is covered. While a text is being written nothing is said
    of it yet."""
    found = [entry for entry in entries if entry is not None]
    if not project.cover:
        return found
    ids = [str(entry.completion.pk) for entry in found if entry.completion is not None]
    flagged = verdicts.on_completions(project.pk, ids) if ids else {}
    return [_with_cover(project, entry, flagged) for entry in found]


def _with_cover(project: Project, entry: Live, flagged: Mapping[str, Verdict]) -> Live:
    verdict = flagged.get(str(entry.completion.pk)) if entry.completion is not None else None
    covered = cover.covers(project, verdict, by_model=True)
    return replace(entry, cover=f"{entry.request.pk}-{entry.index}") if covered else entry


def _provenance(dialogue: Dialogue, turn: Turn) -> Provenance:
    if turn.position < dialogue.given_turns:
        return Provenance("given")
    if dialogue.kind == Dialogue.Kind.CHAT and turn.completion_id:
        return Provenance("model")
    return provenance(turn)


def shown_turn(turn: Turn, *, user: User) -> ShownTurn:
    given = TurnFeedback.objects.filter(turn=turn, user=user).first()
    flagged = verdicts.on_turns(turn.dialogue, [turn])
    return ShownTurn(turn, Provenance("model"), given, verdict=flagged.get(turn.pk))


def feedback_context(turn: Turn, *, user: User, **extra: object) -> dict[str, object]:
    """Of the fragment below one reply."""
    dialogue = turn.dialogue
    shown = shown_turn(turn, user=user)
    return {
        "dialogue": dialogue, "project": dialogue.project, "shown": shown, "praise": PRAISE, "complaints": COMPLAINTS,
        **extra,
    }  # fmt: skip


def role_of_next(dialogue: Dialogue, composer: Composer) -> str:
    return _next_role(list(dialogue.turns.order_by("position")), composer)


def _next_role(turns: Sequence[Turn], composer: Composer) -> str:
    if composer.get("role"):
        return str(composer["role"])
    position = position_in(composer)
    if position is None:
        before = turns[-1] if turns else None
    else:
        before = next((turn for turn in turns if turn.position + 1 == position), None)
    return Turn.Role.ASSISTANT if before is not None and before.role == Turn.Role.USER else Turn.Role.USER


def _roles(turns: Sequence[Turn], *, given: int) -> list[tuple[str, str]]:
    """Who may speak next: the system once at most, and never in a given prompt."""
    has_system = bool(given) or any(turn.role == Turn.Role.SYSTEM for turn in turns)
    return [(role.value, str(role.label)) for role in Turn.Role if not (has_system and role == Turn.Role.SYSTEM)]
