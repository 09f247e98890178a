"""Which texts of a page are covered until whoever reads it reveals them: where the project says so, and those of a kind
of harm that this person opted out of. What was revealed is not part of what is said of a text; the ranking page keeps
it with its draft.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from labeling.errors import Invalid
from labeling.models import Comparison, Project, Turn
from labeling.offering import EVERYTHING, NOTHING, Avoided
from labeling.pages.letters import letters_of
from labeling.pages.verdicts import on_comparison
from screening.models import Verdict
from screening.verdicts import harms_on_record

Cover = Project.Cover


def covers(project: Project, verdict: Verdict | None, *, by_model: bool) -> bool:
    """Whether a text is covered for everybody: by what the filter says of it, or because a model wrote it."""
    return bool(project.cover) and (verdict is not None or (by_model and project.cover == Cover.MODEL))


def unwanted(project: UUID, ids: Collection[UUID], avoided: Avoided) -> set[UUID]:
    """Of these texts, those that the person avoids; no statement for whoever avoids none."""
    known = harms_on_record(project, ids) if avoided else {}
    return {text_id for text_id, harms in known.items() if avoided.has(harms)}


def of_prompt(comparison: Comparison, avoided: Avoided = NOTHING) -> dict[int, str]:
    """Under which id a message of the prompt is revealed, by its place; of those that are covered. A verdict on a
    prompt that nobody wrote in a dialogue is on all of it."""
    project = comparison.project
    covering = EVERYTHING if project.cover else avoided
    model = project.cover == Cover.MODEL
    if not (model or covering.has(comparison.harms)):
        return {}
    found = {place: model and one["role"] == "assistant" for place, one in enumerate(comparison.prompt)}
    if comparison.harms:
        flagged = _flagged(comparison, covering)
        found = {place: covered or flagged is None or place in flagged for place, covered in found.items()}
    return {place: f"{comparison.pk}-{place}" for place, covered in found.items() if covered}


def _flagged(comparison: Comparison, which: Avoided) -> set[int] | None:
    """Places of the flagged messages; None: all of them."""
    whole = {one for one in (comparison.pk, comparison.pool_prompt_id) if one is not None}
    if unwanted(comparison.project_id, whole, which):
        return None
    if comparison.dialogue_id is None:
        return None if comparison.copied_from_id else set()
    turns = list(Turn.objects.filter(dialogue=comparison.dialogue_id).order_by("position")[: len(comparison.prompt)])
    ids = {pk for turn in turns for pk in (turn.pk, turn.completion_id) if pk is not None}
    known = unwanted(comparison.project_id, ids, which)
    return {place for place, turn in enumerate(turns) if turn.pk in known or turn.completion_id in known}


def of_completions(comparison: Comparison, ids: Sequence[str], avoided: Avoided = NOTHING) -> set[str]:
    """Ids of the completions that are covered."""
    if comparison.project.cover == Cover.MODEL:
        return set(ids)
    flagged = on_comparison(comparison).keys() & set(ids) if comparison.project.cover else set()
    return {*flagged, *unwanted_completions(comparison, ids, avoided)}


def unwanted_completions(comparison: Comparison, ids: Sequence[str], avoided: Avoided) -> set[str]:
    if not avoided.has(comparison.harms):
        return set()
    return {str(pk) for pk in unwanted(comparison.project_id, [UUID(cid) for cid in ids], avoided)}


def require_revealed(
    comparison: Comparison, order_shown: Sequence[str], shown: Sequence[str], avoided: Avoided = NOTHING
) -> None:
    """Before completions are put in order.

    Raises:
        Invalid: one of them was not revealed.
    """
    covered = of_completions(comparison, order_shown, avoided).difference(shown)
    letters = [letter for cid, letter in letters_of(order_shown).items() if cid in covered]
    if letters:
        named = ", ".join(letters)
        raise Invalid("Show every covered text before you place it; not shown yet: %(letters)s.", letters=named)
