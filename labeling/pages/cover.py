"""Which texts of a page are covered until whoever reads it reveals them, where the project says so. What was revealed
is not part of what is said of a text; the ranking page keeps it with its draft.
"""

from __future__ import annotations

from collections.abc import Sequence

from labeling.errors import Invalid
from labeling.models import Comparison, Project, Turn
from labeling.pages.letters import letters_of
from labeling.pages.verdicts import on_completions
from screening.models import Verdict
from screening.verdicts import harms_on_record

Cover = Project.Cover


def covers(project: Project, verdict: Verdict | None, *, by_model: bool) -> bool:
    """Whether a text is covered: by what the filter says of it, or because a model wrote it."""
    return bool(project.cover) and (verdict is not None or (by_model and project.cover == Cover.MODEL))


def of_prompt(comparison: Comparison) -> dict[int, str]:
    """Under which id a message of the prompt is revealed, by its place; of those that are covered. A verdict on a
    prompt that nobody wrote in a dialogue is on all of it."""
    project = comparison.project
    if not project.cover:
        return {}
    model = project.cover == Cover.MODEL
    found = {place: model and one["role"] == "assistant" for place, one in enumerate(comparison.prompt)}
    if comparison.harms:
        flagged = _flagged(comparison)
        found = {place: covered or flagged is None or place in flagged for place, covered in found.items()}
    return {place: f"{comparison.pk}-{place}" for place, covered in found.items() if covered}


def _flagged(comparison: Comparison) -> set[int] | None:
    """Places of the flagged messages; None: all of them."""
    whole = {one for one in (comparison.pk, comparison.pool_prompt_id) if one is not None}
    if harms_on_record(comparison.project_id, whole):
        return None
    if comparison.dialogue_id is None:
        return None if comparison.copied_from_id else set()
    turns = list(Turn.objects.filter(dialogue=comparison.dialogue_id).order_by("position")[: len(comparison.prompt)])
    ids = {pk for turn in turns for pk in (turn.pk, turn.completion_id) if pk is not None}
    known = harms_on_record(comparison.project_id, ids)
    return {place for place, turn in enumerate(turns) if turn.pk in known or turn.completion_id in known}


def of_completions(comparison: Comparison, ids: Sequence[str]) -> set[str]:
    """Ids of the completions that are covered."""
    project = comparison.project
    if not project.cover:
        return set()
    return set(ids) if project.cover == Cover.MODEL else set(on_completions(comparison.project_id, ids))


def require_revealed(comparison: Comparison, order_shown: Sequence[str], shown: Sequence[str]) -> None:
    """Before completions are put in order.

    Raises:
        Invalid: one of them was not revealed.
    """
    covered = of_completions(comparison, order_shown).difference(shown)
    letters = [letter for cid, letter in letters_of(order_shown).items() if cid in covered]
    if letters:
        named = ", ".join(letters)
        raise Invalid("Show every covered text before you place it; not shown yet: %(letters)s.", letters=named)
