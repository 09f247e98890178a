"""Rules that several sources share: why a record is not in an export as of an instant. Pure: no query, no file.

Every function returns "" for what stays, or the reason that the manifest counts it under. What is peculiar to one
kind of record is in `exports/sources/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.control_tokens import FAMILIES, ControlTokens
from common.shapes import Message
from common.visible import visible
from exports.options import Options

WITHDRAWN = "withdrawn"
AFTER = "after the cutoff"
EDITED = "turn changed after the cutoff"
DRAFT_DISCARDED = "dialogue discarded"
CONTROL_TOKEN = "control token in a text"
NEAR_DUPLICATE = "test row with a near-duplicate in train"
NOT_MIXED = "imported, not mixed in"
Decided = tuple[str, str, str | None]  # of a review: its instant, the decision, when it was taken back
BLOCKED = "blocked by the content filter"
NOT_JUDGED = "not judged by the content filter yet"
GONE = frozenset({WITHDRAWN, BLOCKED})
"""What any earlier export may hold and nobody may keep: each gets a tombstone, in whole exports too."""
UNDATED = GONE | {EDITED, DRAFT_DISCARDED, NOT_JUDGED}
"""Reasons without a date: nobody can say whether the record stood at an earlier instant."""


@dataclass(frozen=True)
class Instant:
    """A moment, and what follows from all votes and prompts up to it."""

    at: str
    disagreeing: frozenset[str] = frozenset()  # comparisons whose votes agree less than asked
    near_duplicates: frozenset[str] = frozenset()  # keys of test prompts that train has too
    not_judged: frozenset[str] = frozenset()  # records with a text that the content filter had no word on


@dataclass(frozen=True)
class Selection:
    """What was asked for, and what the rules need to know of the project."""

    options: Options
    withdrawn_until: Mapping[str, str] = field(default_factory=dict)  # by person: until they came back, or for ever
    withdrawn_dialogues: frozenset[str] = frozenset()
    withdrawn_keys: frozenset[str] = frozenset()  # of prompts that went since the earlier export of a delta
    withdrawn_lately: bool = False  # whether anybody did since then
    blocked: frozenset[str] = frozenset()  # records with a text that the content filter blocks
    judged_anew: frozenset[str] = frozenset()  # records whose texts got another verdict since then
    guidelines: Mapping[str, int] = field(default_factory=dict)
    rounds: Mapping[str, int] = field(default_factory=dict)
    control_tokens: ControlTokens = FAMILIES

    def withdrawn(self, at: str, dialogue: str | None, *people: int | None) -> bool:
        return dialogue in self.withdrawn_dialogues or any(at < self.withdrawn_until.get(str(p), "") for p in people)

    def mixed_in(self, source: str) -> bool:
        return any(source == name for name, _ in self.options.mix)


def screened(record: str, at: Instant, selection: Selection) -> str:
    """What the content filter says of the texts of a record; "" as its name: nobody asks."""
    if record in selection.blocked:
        return BLOCKED
    return NOT_JUDGED if record in at.not_judged else ""


def reviewed(reviews: Sequence[Decided] | None, at: str) -> str:
    """What the last review that stands at `at` says; `reviews` are oldest first."""
    last = ""
    for moment, decision, undone_at in reviews or ():
        if moment <= at and not (undone_at and undone_at <= at):
            last = decision
    return {"returned": "returned by a review", "excluded": "excluded by a review"}.get(last, "")


def in_round(round_id: str | None, selection: Selection) -> str:
    wanted = selection.options.round
    return "other round" if wanted is not None and selection.rounds.get(round_id or "") != wanted else ""


def filtered(round_id: str | None, guideline: str | None, selection: Selection) -> str:
    wanted = selection.options.guideline_version
    if wanted is not None and selection.guidelines.get(guideline or "") != wanted:
        return in_round(round_id, selection) or "other guideline version"
    return in_round(round_id, selection)


def messages(given: Sequence[Message], selection: Selection, *, last: str) -> str:
    """Whether every reader takes these messages: system first if at all, then user and assistant in
    turn, ending with `last`; text in each; no control token that would forge a turn."""
    expected = "user"
    for number, message in enumerate(given):
        role, content = message["role"], message["content"]
        if role != expected and (role != "system" or number):
            return "bad turn order"
        if role != "system":
            expected = "assistant" if role == "user" else "user"
        if (reason := text(content, selection)) and (
            content or role != "system"
        ):  # an empty system turn was rendered so
            return reason
    if not given or given[-1]["role"] != last:
        return "bad turn order"
    return ""


def whole(before: Sequence[Message], answer: str, selection: Selection) -> str:
    """As `messages`, for a prompt and its answer."""
    return messages(before, selection, last="user") or text(answer, selection)


def text(content: str, selection: Selection) -> str:
    if not visible(content):
        return "empty text"
    return control_token(content, selection)


def control_token(content: str, selection: Selection) -> str:
    if not selection.options.include_control_tokens and selection.control_tokens.first(content):
        return CONTROL_TOKEN
    return ""
