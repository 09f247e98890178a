"""Which kinds of harm the content filter warns of in the texts of comparisons and prompts: stored on their rows, so
that whoever is given the next task need not look at verdicts. Stated when a comparison opens, and again whenever
verdicts on its texts come or change (`moderation/verdicts.py`).

Who is not given which: `labeling/offering.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from common.transitions import advance
from labeling.models import Assignment, Candidate, Comparison, Prompt, Turn
from screening.models import Verdict
from screening.verdicts import harms_on_record

Target = Verdict.Target
BATCH = 500


@transaction.atomic
def state(*, comparisons: Collection[UUID]) -> None:
    """From the verdicts on record. The rows are locked before those are read, so that of two who state them at once
    the second sees the verdicts of both. Leases of people who do not want to meet what is new are given back; copies
    follow what they were made from."""
    rows = Comparison.objects.filter(pk__in=comparisons).order_by("pk").select_for_update(of=("self",), no_key=True)
    found = list(rows.only("project_id", "harms", "dialogue_id", "turn_id", "pool_prompt_id", "copied_from_id"))
    if not found:
        return
    texts, of_sources = _texts_of(found), _harms_of_sources(found)
    known = harms_on_record(found[0].project_id, {one for ids in texts.values() for one in ids})
    changed: list[Comparison] = []
    for row in found:
        harms = {harm for text_id in texts[row.pk] for harm in known.get(text_id, ())}
        harms |= set(of_sources.get(row.copied_from_id, ()))
        if sorted(harms) != row.harms:
            row.harms = sorted(harms)
            changed.append(row)
    if changed:
        Comparison.objects.bulk_update(changed, ["harms"])
        give_back(Q(comparison__in=changed, trainer__opted_out_of__overlap=F("comparison__harms")))
        state(comparisons=list(Comparison.objects.filter(copied_from__in=changed).values_list("pk", flat=True)))


@transaction.atomic
def state_of_texts(*, project: UUID, target: str, text_ids: Collection[UUID]) -> None:
    """Of everything that shows one of these texts."""
    if target == Target.PROMPT:
        known = harms_on_record(project, text_ids)
        prompts = Prompt.objects.filter(pk__in=text_ids).order_by("pk").select_for_update(of=("self",), no_key=True)
        stated = [prompt for prompt in prompts.only("harms") if prompt.harms != sorted(known.get(prompt.pk, ()))]
        for prompt in stated:
            prompt.harms = sorted(known.get(prompt.pk, ()))
        Prompt.objects.bulk_update(stated, ["harms"])
    ids = list(_showing(project, target, text_ids))
    for at in range(0, len(ids), BATCH):
        state(comparisons=ids[at : at + BATCH])


def give_back(which: Q) -> int:
    """End leases without a word of the trainer: they are no skips, their drafts are kept, their votes are free."""
    now = timezone.now()
    rows = Assignment.objects.filter(which, state=Assignment.State.LEASED, kind=Assignment.Kind.VOTE)
    locked = rows.order_by("pk").select_for_update(of=("self",), no_key=True)
    pks = list(locked.values_list("pk", flat=True))
    mine = Assignment.objects.filter(pk__in=pks)
    return advance(mine, to=Assignment.State.EXPIRED, table=Assignment.TRANSITIONS, slot=None, ended_at=now)


def _texts_of(rows: Iterable[Comparison]) -> Mapping[UUID, set[UUID]]:
    """Ids of all that a comparison shows, under which a verdict may stand: its completions, its prompt, and of a
    dialogue the turns before the one that was drawn, with the model's texts that they came from."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    by_dialogue: dict[UUID, list[Comparison]] = defaultdict(list)
    for row in rows:
        found[row.pk] |= {row.pk, *([row.pool_prompt_id] if row.pool_prompt_id else [])}
        if row.dialogue_id is not None and row.turn_id is not None:
            by_dialogue[row.dialogue_id].append(row)
    held = Candidate.objects.filter(comparison__in=list(found)).order_by()
    for comparison, completion in held.values_list("comparison_id", "completion_id"):
        found[comparison].add(completion)
    turns = Turn.objects.filter(dialogue__in=by_dialogue).order_by("position") if by_dialogue else Turn.objects.none()
    before: dict[UUID, set[UUID]] = defaultdict(set)
    for dialogue, turn, completion in turns.values_list("dialogue_id", "pk", "completion_id"):
        for row in by_dialogue[dialogue]:
            if row.turn_id == turn:
                found[row.pk] |= before[dialogue]
        before[dialogue] |= {turn, *([completion] if completion else [])}
    return found


def _harms_of_sources(rows: Iterable[Comparison]) -> Mapping[UUID | None, list[str]]:
    sources = {row.copied_from_id for row in rows if row.copied_from_id}
    return dict(Comparison.objects.filter(pk__in=sources).values_list("pk", "harms")) if sources else {}


def _showing(project: UUID, target: str, text_ids: Collection[UUID]) -> Iterable[UUID]:
    rows = Comparison.objects.filter(project=project)
    if target == Target.PROMPT:
        rows = rows.filter(Q(pk__in=text_ids) | Q(pool_prompt__in=text_ids))
        return set(rows.values_list("pk", flat=True))
    if target == Target.TURN:
        dialogues = Turn.objects.filter(pk__in=text_ids).order_by().values_list("dialogue_id", flat=True)
        return set(rows.filter(dialogue__in=set(dialogues)).values_list("pk", flat=True))
    held = Candidate.objects.filter(completion__in=text_ids, comparison__project=project).order_by()
    turns = Turn.objects.filter(completion__in=text_ids).order_by().values_list("dialogue_id", flat=True)
    shown = set(rows.filter(dialogue__in=set(turns)).values_list("pk", flat=True))
    return {*held.values_list("comparison_id", flat=True), *shown}
