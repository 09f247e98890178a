"""Where what a person wrote stands in a project: in work of their own, and in whatever was made from it.

Every place that copies a text names its origin: an opened dialogue its `prompt`, a drawn comparison its `dialogue`, one
made for stock its `pool_prompt`, a hidden item what it was `copied_from`, an ideal answer what it is the `answer_to`, a
new version what it `supersedes`, a sample request the dialogue or comparison that it was made for, and what was
imported from an export of ours keeps the row's id in its `source_row`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from labeling.models import (
    AiVerdict,
    Comparison,
    ComparisonRequest,
    Dialogue,
    Project,
    Prompt,
    ReplyRequest,
    SuggestionRequest,
    Turn,
)
from sampler.models import Completion

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True)
class Copies:
    """The dialogues and comparisons that hold a person's text, or an answer to it."""

    dialogue_ids: frozenset[UUID]
    comparison_ids: frozenset[UUID]

    @property
    def dialogues(self) -> QuerySet[Dialogue]:
        return Dialogue.objects.filter(pk__in=self.dialogue_ids)

    @property
    def comparisons(self) -> QuerySet[Comparison]:
        return Comparison.objects.filter(pk__in=self.comparison_ids)

    @property
    def ids(self) -> set[str]:
        return {str(pk) for pk in self.dialogue_ids | self.comparison_ids}


NONE = Copies(frozenset(), frozenset())


def of(project: Project, user: User) -> Copies:
    """Of everything that the person wrote."""
    written = Dialogue.objects.filter(project=project)
    compared = Comparison.objects.filter(project=project)
    dialogues = _ids(written.filter(Q(author=user) | Q(prompt__author=user)).values_list("pk", flat=True))
    comparisons = _ids(compared.filter(Q(author=user) | Q(pool_prompt__author=user)).values_list("pk", flat=True))
    return _followed(project, dialogues, comparisons)


def of_dialogue(dialogue: Dialogue) -> Copies:
    """Of one dialogue, with the versions of it that were taken back."""
    versions, earlier = {dialogue.pk}, dialogue.supersedes_id
    while earlier is not None and earlier not in versions:
        versions.add(earlier)
        earlier = Dialogue.objects.values_list("supersedes_id", flat=True).get(pk=earlier)
    return _followed(dialogue.project, versions, set())


def of_draft(draft: Dialogue) -> Copies:
    """Of a draft, with the versions of it that were taken back: back to one that a reviewer sent back, without it."""
    taken_back, _ = _versions_before(draft)
    return _followed(draft.project, {draft.pk, *taken_back}, set())


def reviewed_before(draft: Dialogue) -> Copies:
    """The version that a reviewer sent back, which the draft goes on from; its texts stand in the draft too."""
    _, reviewed = _versions_before(draft)
    return Copies(frozenset({reviewed}), frozenset()) if reviewed is not None else NONE


def _versions_before(draft: Dialogue) -> tuple[set[UUID], UUID | None]:
    """The versions that its author took back, and the one before them, which stands."""
    taken_back, earlier = set(), draft.supersedes
    while earlier is not None and earlier.undone_at is not None:
        taken_back.add(earlier.pk)
        earlier = earlier.supersedes
    return taken_back, earlier.pk if earlier is not None else None


def _followed(project: Project, dialogues: set[UUID], comparisons: set[UUID]) -> Copies:
    """From origin to copy until nothing new is found."""
    written = Dialogue.objects.filter(project=project)
    compared = Comparison.objects.filter(project=project)
    new_dialogues, new_comparisons = dialogues, comparisons
    while new_dialogues or new_comparisons:
        drawn = compared.filter(dialogue__in=new_dialogues)
        copied = compared.filter(Q(copied_from__in=new_comparisons) | Q(repeat_of__in=new_comparisons))
        answers = written.filter(Q(answer_to__in=new_comparisons) | Q(supersedes__in=new_dialogues))
        back = _brought_back(new_dialogues | new_comparisons)
        new_comparisons = _ids((drawn | copied | compared.filter(back)).values_list("pk", flat=True)) - comparisons
        new_dialogues = _ids((answers | written.filter(back)).values_list("pk", flat=True)) - dialogues
        comparisons |= new_comparisons
        dialogues |= new_dialogues
    return Copies(frozenset(dialogues), frozenset(comparisons))


def quoting(project: Project, user: User) -> Copies:
    """What was imported from an export of ours that quotes the person: of others' work that they judged."""
    judged = Comparison.objects.filter(project=project, rankings__trainer=user).values_list("pk", flat=True)
    rated = Dialogue.objects.filter(project=project, turns__feedback__user=user).values_list("pk", flat=True)
    back = _brought_back(_ids(judged) | _ids(rated))
    return Copies(
        frozenset(Dialogue.objects.filter(back, project=project).values_list("pk", flat=True)),
        frozenset(Comparison.objects.filter(back, project=project).values_list("pk", flat=True)),
    )


def _brought_back(found: set[UUID]) -> Q:
    """Imported from an export of ours: the raw record that is kept beside an import names the row that it was of."""
    ids = [str(pk) for pk in found]
    named = Q(source_row__row__id__in=ids)
    for column in ("dialogue_id", "prompt_id"):
        named |= Q(**{f"source_row__row__{column}__in": ids})
    return Q(source_row__isnull=False) & named


def sampled(copies: Copies) -> tuple[set[UUID], set[UUID]]:
    """(completions, requests) of the sampler that hold the text, or an answer to it."""
    turns = Turn.objects.filter(dialogue__in=copies.dialogue_ids)
    completions = {UUID(cid) for ids in turns.values_list("suggestions_shown", flat=True) for cid in ids}
    completions |= _ids(turns.values_list("completion_id", flat=True))
    completions |= _ids(copies.comparisons.values_list("candidates__completion_id", flat=True))
    completions |= _ids(copies.comparisons.values_list("candidates__copies__completion_id", flat=True))
    requests = _ids(copies.dialogues.values_list("pending_request_id", flat=True))
    for asked in (SuggestionRequest, ReplyRequest):
        rows = asked._default_manager.filter(dialogue__in=copies.dialogue_ids)
        requests |= _ids(rows.values_list("request_id", flat=True))
    of_judges = AiVerdict.objects.filter(judgement__comparison__in=copies.comparison_ids)
    of_comparisons = ComparisonRequest.objects.filter(comparison__in=copies.comparison_ids)
    for rows_ in (of_judges, of_comparisons):
        requests |= _ids(rows_.values_list("request_id", flat=True))
    return completions, requests


def offered(copies: Copies) -> set[UUID]:
    """Completions that stand in these or were shown beside them, and whatever was sampled with one of them."""
    completions, requests = sampled(copies)
    beside = Completion.objects.filter(Q(request__in=requests) | Q(request__completions__in=completions))
    return completions | _ids(beside.values_list("pk", flat=True))


def screened(copies: Copies) -> set[UUID]:
    """The ids under which the content filter knows the texts themselves; completions are in `sampled`."""
    turns = Turn.objects.filter(dialogue__in=copies.dialogue_ids).values_list("pk", flat=True)
    return _ids(turns) | copies.comparison_ids


def prompts_of(project: Project, user: User) -> set[UUID]:
    return _ids(Prompt.objects.filter(project=project, author=user).values_list("pk", flat=True))


def _ids(found: Iterable[UUID | None]) -> set[UUID]:
    return {pk for pk in found if pk is not None}
