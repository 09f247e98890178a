"""What the content filter says of texts that a page shows: warnings, and why a message has no answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import QuerySet

from common.compiled import compiled
from labeling.models import Candidate, Comparison, Dialogue, ReplyRequest, Turn
from screening.models import Verdict
from screening.verdicts import BLOCKED, strictest


def on_turns(dialogue: Dialogue, turns: Sequence[Turn]) -> dict[UUID, Verdict]:
    """The verdict that decides, of each turn that has a warning or a block; a reply's is on its completion."""
    named = [(turn.pk, text_id) for turn in turns for text_id in (turn.pk, turn.completion_id) if text_id is not None]
    found = _by_text(_of_dialogue(dialogue.project_id, dialogue)) if turns else {}
    by_turn: dict[UUID, list[Verdict]] = defaultdict(list)
    for turn_id, text_id in named:
        by_turn[turn_id] += found.get(text_id, [])
    return {turn_id: one for turn_id, verdicts in by_turn.items() if (one := strictest(verdicts)) is not None}


def on_lost_reply(dialogue: Dialogue) -> Verdict | None:
    """Of the newest reply, where the filter blocked it, so that the last message has no answer."""
    asked = ReplyRequest.objects.filter(dialogue=dialogue).select_related("request").order_by("-request__created_at")
    newest = asked.first()
    if newest is None:
        return None
    rows = newest.request.completions.filter(withheld=BLOCKED).values_list("pk", flat=True)
    blocked = set(rows)
    if not blocked:
        return None
    turn = newest.request.screening.get("turn")
    found = _acting(dialogue.project_id, {*blocked, *([UUID(str(turn))] if turn else [])})
    return strictest([one for verdicts in found.values() for one in verdicts])


def on_completions(project: UUID, ids: Iterable[str]) -> dict[str, Verdict]:
    """The verdict that decides, of each completion that has a warning or a block."""
    found = _acting(project, [UUID(cid) for cid in ids])
    return {str(cid): one for cid, verdicts in found.items() if (one := strictest(verdicts)) is not None}


def on_comparison(comparison: Comparison) -> dict[str, Verdict]:
    """The same, of all completions of a comparison."""
    found = _by_text(_of_comparison(comparison.project_id, comparison))
    return {str(cid): one for cid, verdicts in found.items() if (one := strictest(verdicts)) is not None}


@compiled
def _of_comparison(project: UUID, comparison: Comparison) -> QuerySet[Verdict]:
    texts = Candidate.objects.filter(comparison=comparison).values("completion_id").order_by()
    rows = Verdict.objects.filter(project=project, target_id__in=texts)
    return rows.exclude(action=Verdict.Action.NONE)


@compiled
def _of_dialogue(project: UUID, dialogue: Dialogue) -> QuerySet[Verdict]:
    turns = Turn.objects.filter(dialogue=dialogue).order_by()
    texts = turns.values("pk").union(turns.filter(completion__isnull=False).values("completion_id"), all=True)
    rows = Verdict.objects.filter(project=project, target_id__in=texts)
    return rows.exclude(action=Verdict.Action.NONE)


def _acting(project: UUID, text_ids: Iterable[UUID]) -> dict[UUID, list[Verdict]]:
    rows = Verdict.objects.filter(project=project, target_id__in=set(text_ids))
    return _by_text(rows.exclude(action=Verdict.Action.NONE))


def _by_text(rows: Iterable[Verdict]) -> dict[UUID, list[Verdict]]:
    found: dict[UUID, list[Verdict]] = defaultdict(list)
    for row in rows:
        found[row.target_id].append(row)
    return found
