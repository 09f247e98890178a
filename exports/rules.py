"""Which rows are in an export as of an instant, and why the others are not. Pure: no query, no file.

Every function returns "" for a row that stays, or the reason that the manifest counts it under.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from exports.archive import RawRecord
from exports.options import Options
from exports.records import FeedbackRecord, Message, PromptRecord, RankingRecord, TurnRecord
from labeling.text import CONTROL_TOKENS

WITHDRAWN = "withdrawn"
CONTROL_TOKEN = "control token in a text"
NEAR_DUPLICATE = "test row with a near-duplicate in train"


@dataclass(frozen=True)
class Scope:
    """What the rules need to know of the project, read once in the run's snapshot."""

    options: Options
    withdrawn_users: Collection[int] = frozenset()
    withdrawn_dialogues: Collection[str] = frozenset()
    disagreeing: Collection[str] = frozenset()  # comparisons whose votes agree less than asked
    guidelines: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    mixed_sources: Collection[str] = frozenset()


def ranking(record: RankingRecord, at: str, scope: Scope) -> str:
    """Standing of a judgement at `at`."""
    options = scope.options
    if (
        record.trainer in scope.withdrawn_users
        or record.author in scope.withdrawn_users
        or record.dialogue in scope.withdrawn_dialogues
    ):
        return WITHDRAWN
    if record.submitted_at > at:
        return "after the cutoff"
    if record.undone_at and record.undone_at <= at:
        return "undone"
    if record.superseded_at and record.superseded_at <= at:
        return "corrected later"
    if reason := reviewed(record.reviews, at):
        return reason
    if record.comparison_state == "discarded" and (not record.discarded_at or record.discarded_at <= at):
        return "comparison discarded"
    if record.kind == "imported" or record.comparison_kind == "imported":
        if record.source not in scope.mixed_sources:
            return "imported, not mixed in"
    elif record.comparison_kind not in options.kinds:
        return f"{record.comparison_kind} item"
    if record.kind == "surplus" and not options.include_surplus:
        return "surplus vote"
    if record.kind == "research" and not options.include_research:
        return "research vote"
    if record.comparison in scope.disagreeing:
        return "agreement below the bound"
    if record.label_weight is not None and record.label_weight < options.min_label_weight:
        return "label weight below the bound"
    if options.task_types and ("chat" if record.turn else "ranking") not in options.task_types:
        return "other task type"
    if reason := filtered(record.round, record.guideline, scope) or messages(record.prompt, last="user"):
        return reason
    for answer in record.answers:
        if "<|" in answer.text and CONTROL_TOKENS.search(answer.text):
            return CONTROL_TOKEN
    return "" if len(record.answers) > 1 else "fewer than two completions"


def turn(record: TurnRecord, at: str, scope: Scope) -> str:
    """Standing of an assistant turn of a demonstration or an imported dialogue."""
    if reason := dialogue(record, at, scope, drafts=False):
        return reason
    if record.kind == "imported":
        if record.source not in scope.mixed_sources:
            return "imported, not mixed in"
    elif scope.options.task_types and record.kind not in scope.options.task_types:
        return "other task type"
    if not scope.options.include_verbatim and taken_verbatim(record):
        return "suggestion taken verbatim"
    return filtered(record.round, record.guideline, scope) or whole(record.before, record.text)


def rated(record: FeedbackRecord, at: str, scope: Scope) -> str:
    """Standing of a thumb."""
    if record.user in scope.withdrawn_users:
        return WITHDRAWN
    if record.given_at > at:
        return "after the cutoff"
    if record.last_change and record.last_change > at:
        return "turn changed after the cutoff"
    turn = record.turn
    if reason := dialogue(turn, at, scope, drafts=True):
        return reason
    if scope.options.task_types and turn.kind not in scope.options.task_types:
        return "other task type"
    if turn.completion_text is None:
        return "not written by a model"
    return filtered(turn.round, turn.guideline, scope) or whole(turn.before, turn.text)


def prompt(record: PromptRecord, at: str, scope: Scope) -> str:
    """Standing of a prompt."""
    if record.created_at > at:
        return "after the cutoff"
    if record.author in scope.withdrawn_users or record.dialogue in scope.withdrawn_dialogues:
        return WITHDRAWN
    if record.kind == "imported":
        if record.source not in scope.mixed_sources:
            return "imported, not mixed in"
    elif record.kind not in scope.options.kinds:
        return f"{record.kind} item"
    if scope.options.round is not None and scope.rounds.get(record.round or "") != scope.options.round:
        return "other round"
    return messages(record.messages, last="user")


def archived(record: RawRecord, at: str, scope: Scope) -> str:
    """Standing in the archive, which leaves out only what was withdrawn."""
    if record.created_at > at:
        return "after the cutoff"
    if record.author in scope.withdrawn_users or record.dialogue in scope.withdrawn_dialogues:
        return WITHDRAWN
    return ""


def dialogue(record: TurnRecord, at: str, scope: Scope, *, drafts: bool) -> str:
    """Standing of the dialogue that a turn belongs to."""
    if record.author in scope.withdrawn_users:
        return WITHDRAWN
    if record.undone_at and record.undone_at <= at:
        return "undone"
    if record.state == "discarded" and not record.undone_at:
        return "dialogue discarded"
    if not drafts and (record.submitted_at is None or record.submitted_at > at):
        return "not submitted"
    if record.superseded_at and record.superseded_at <= at:
        return "corrected later"
    return reviewed(record.reviews, at)


def reviewed(reviews: Sequence[Sequence[str]] | None, at: str) -> str:
    """What the last review up to `at` says."""
    last = ""
    for moment, decision in reviews or ():
        if moment <= at:
            last = decision
    return {"returned": "returned by a review", "excluded": "excluded by a review"}.get(last, "")


def filtered(round_id: str | None, guideline: str | None, scope: Scope) -> str:
    options = scope.options
    if options.round is not None and scope.rounds.get(round_id or "") != options.round:
        return "other round"
    if options.guideline_version is not None and scope.guidelines.get(guideline or "") != options.guideline_version:
        return "other guideline version"
    return ""


def messages(given: Sequence[Message], *, last: str) -> str:
    """Whether every reader takes these messages: system first if at all, then user and assistant in
    turn, ending with `last`; text in each; no control token that would forge a turn."""
    expected = "user"
    for number, message in enumerate(given):
        role, content = message["role"], message["content"]
        if role != expected and (role != "system" or number):
            return "bad turn order"
        if role != "system":
            expected = "assistant" if role == "user" else "user"
        if reason := text(content):
            return reason
    if not given or given[-1]["role"] != last:
        return "bad turn order"
    return ""


def whole(before: Sequence[Message], answer: str) -> str:
    """As `messages`, for a prompt and its answer."""
    return messages(before, last="user") or text(answer)


def text(content: str) -> str:
    if not content or content.isspace():
        return "empty text"
    if "<|" in content and CONTROL_TOKENS.search(content):
        return CONTROL_TOKEN
    return ""


def taken_verbatim(record: TurnRecord) -> bool:
    return record.completion_text is not None and record.completion_text.strip() == record.text.strip()
