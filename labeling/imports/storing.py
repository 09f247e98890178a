"""Every write of imports: items become prompts, demonstrations and comparisons, a batch in one transaction.

What is there already, by content hash, is not made again, so a file can be imported twice, or again after a kill.
The raw record and the transforms applied stay beside what was made. An import can be taken back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

from django.db import transaction
from django.utils import timezone

from common.shapes import Json
from labeling.importers.base import COMPARISONS, DEMONSTRATIONS, PROMPTS, Item, Judgement
from labeling.imports.records import Parsed
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt, Ranking, Turn
from labeling.text import content_hash, prompt_key, split_of
from sampler import sampling
from sampler.models import Completion

MAX_RAW = 100_000  # characters of a raw record kept beside what it became
MODELS: dict[str, type[Prompt | Dialogue | Comparison]] = {
    PROMPTS: Prompt,
    DEMONSTRATIONS: Dialogue,
    COMPARISONS: Comparison,
}


@dataclass(frozen=True)
class Target:
    """Where the items of one import go, and what they say of their origin."""

    project: Project
    source: str  # name of the data, for mixing and for taking the import back
    importer: str  # its name and version, stored beside each row
    dry_run: bool = False


@dataclass(frozen=True)
class _Entry:
    """An item with the record that it came from."""

    parsed: Parsed
    item: Item

    @cached_property
    def digest(self) -> str:
        item = self.item
        return content_hash(item.messages if item.kind == PROMPTS else item.content())

    @cached_property
    def key(self) -> str:
        return prompt_key(self.item.messages)


def store(target: Target, batch: Sequence[Parsed]) -> list[list[str]]:
    """Store the items that the project does not hold yet; return the kinds made of each record (a dry run: that
    would have been made), none where all were there."""
    with transaction.atomic():
        # Two imports into one project take turns, so that neither trips over the other's hashes.
        Project.objects.select_for_update().get(pk=target.project.pk)
        entries = [[_Entry(parsed, item) for item in parsed.items] for parsed in batch]
        known = _known(target.project, [entry for of_record in entries for entry in of_record])
        fresh: list[_Entry] = []
        made: list[list[str]] = []
        for of_record in entries:
            kinds = []
            for entry in of_record:
                if (entry.item.kind, entry.digest) not in known:
                    known.add((entry.item.kind, entry.digest))
                    fresh.append(entry)
                    kinds.append(entry.item.kind)
            made.append(kinds)
        if not target.dry_run:
            _write(target, fresh)
    return made


def _known(project: Project, entries: Sequence[_Entry]) -> set[tuple[str, str]]:
    """(kind, content hash) of those entries whose content the project holds."""
    known: set[tuple[str, str]] = set()
    for kind, model in MODELS.items():
        wanted = [entry.digest for entry in entries if entry.item.kind == kind]
        rows = model._default_manager.filter(project=project, content_hash__in=wanted)
        known |= {(kind, digest) for digest in rows.values_list("content_hash", flat=True)}
    return known


def _write(target: Target, fresh: Sequence[_Entry]) -> None:
    splits = _splits(target.project, {entry.key for entry in fresh})
    of_kind: dict[str, list[_Entry]] = {kind: [] for kind in MODELS}
    for entry in fresh:
        of_kind[entry.item.kind].append(entry)
    _write_prompts(target, of_kind[PROMPTS])
    _write_dialogues(target, of_kind[DEMONSTRATIONS], splits)
    _write_comparisons(target, of_kind[COMPARISONS], splits)


def _splits(project: Project, keys: set[str]) -> dict[str, str]:
    """Split by prompt key, as `projects.split_for` has it, in two queries for the whole batch."""
    known: dict[str, str] = {}
    for model in (Dialogue, Comparison):
        rows = model._default_manager.filter(project=project, prompt_key__in=keys).exclude(split="")
        known |= dict(rows.values_list("prompt_key", "split"))
    new = keys - set(known)
    return known | {key: split_of(salt=project.split_salt, key=key, test_share=project.test_share) for key in new}


def _write_prompts(target: Target, entries: Sequence[_Entry]) -> None:
    Prompt.objects.bulk_create(
        Prompt(
            project=target.project,
            messages=entry.item.messages,
            source=target.source,
            content_hash=entry.digest,
            prompt_key=entry.key,
        )
        for entry in entries
    )


def _write_dialogues(target: Target, entries: Sequence[_Entry], splits: dict[str, str]) -> None:
    now = timezone.now()
    dialogues = [
        Dialogue(
            project=target.project,
            kind=Dialogue.Kind.IMPORTED,
            state=Dialogue.State.SUBMITTED,
            source=target.source,
            source_row=_origin(target, entry.parsed),
            content_hash=entry.digest,
            prompt_key=entry.key,
            split=splits[entry.key],
            submitted_at=now,
        )
        for entry in entries
    ]
    Dialogue.objects.bulk_create(dialogues)
    Turn.objects.bulk_create(
        Turn(dialogue=dialogue, position=position, role=message["role"], text=message["content"])
        for dialogue, entry in zip(dialogues, entries, strict=True)
        for position, message in enumerate(entry.item.messages)
    )


def _write_comparisons(target: Target, entries: Sequence[_Entry], splits: dict[str, str]) -> None:
    """Ordered ones are closed and hold an imported ranking; the others wait for votes of ours."""
    now = timezone.now()
    texts = [(text.text, text.model) for entry in entries for text in entry.item.completions]
    completions = iter(sampling.provide_all(texts=texts))
    comparisons: list[Comparison] = []
    candidates: list[Candidate] = []
    rankings: list[Ranking] = []
    for entry in entries:
        comparison = _comparison(target, entry, splits[entry.key], now)
        own = list(islice(completions, len(entry.item.completions)))
        comparisons.append(comparison)
        candidates += [Candidate(comparison=comparison, index=n, completion=c) for n, c in enumerate(own)]
        rankings += [_ranking(comparison, own, judgement, now) for judgement in entry.item.judgements]
    Comparison.objects.bulk_create(comparisons)
    Candidate.objects.bulk_create(candidates)
    Ranking.objects.bulk_create(rankings)


def _comparison(target: Target, entry: _Entry, split: str, now: datetime) -> Comparison:
    ordered = bool(entry.item.judgements)
    return Comparison(
        project=target.project,
        kind=Comparison.Kind.IMPORTED if ordered else Comparison.Kind.NORMAL,
        state=Comparison.State.CLOSED if ordered else Comparison.State.OPEN,
        prompt=entry.item.messages,
        prompt_key=entry.key,
        split=split,
        source=target.source,
        source_row=_origin(target, entry.parsed),
        content_hash=entry.digest,
        k=len(entry.item.completions),
        votes_wanted=1 if ordered else target.project.votes_per_comparison,
        opened_at=now,
        closed_at=now if ordered else None,
    )


def _ranking(comparison: Comparison, completions: list[Completion], judgement: Judgement, now: datetime) -> Ranking:
    ids = [str(completion.pk) for completion in completions]
    return Ranking(
        comparison=comparison,
        kind=Ranking.Kind.IMPORTED,
        order_shown=ids,
        groups=[sorted(ids[index] for index in group) for group in judgement.groups],
        ratings={ids[index]: rating for index, rating in judgement.ratings.items()},
        flags={ids[index]: names for index, names in judgement.flags.items()},
        strengths=list(judgement.strengths),
        note=judgement.note,
        submitted_at=now,
    )


def _origin(target: Target, parsed: Parsed) -> dict[str, Json]:
    """The raw record with the transforms' names and version: enough to undo and to run again."""
    packed = json.dumps(parsed.record, ensure_ascii=False)
    kept = parsed.record if len(packed) <= MAX_RAW and "\\u0000" not in packed else None
    return {"importer": target.importer, "line": parsed.line, "transforms": list(parsed.transforms), "row": kept}


@transaction.atomic
def revert(*, project: Project, source: str) -> dict[str, int]:
    """Take an import back: everything of that source that nobody has worked on since."""
    Project.objects.select_for_update().get(pk=project.pk)
    comparisons = Comparison.objects.filter(project=project, source=source, source_row__isnull=False)
    untouched = comparisons.filter(assignments__isnull=True)
    completions = list(Candidate.objects.filter(comparison__in=untouched).values_list("completion_id", flat=True))
    dialogues = Dialogue.objects.filter(project=project, source=source, kind=Dialogue.Kind.IMPORTED)
    prompts = Prompt.objects.filter(project=project, source=source, dialogues__isnull=True)
    counts = {
        "comparisons": untouched.count(),
        "comparisons kept": comparisons.count() - untouched.count(),
        "demonstrations": dialogues.count(),
        "prompts": prompts.count(),
    }
    Comparison.objects.filter(pk__in=list(untouched.values_list("pk", flat=True))).delete()
    sampling.forget(completion_ids=completions)
    dialogues.delete()
    prompts.delete()
    return counts
