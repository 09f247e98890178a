"""Rows of one import's items, written kind by kind in bulk. What is written, and in which transaction: `storing.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

from django.utils import timezone

from common.shapes import Json
from labeling.importers.base import PROMPTS, Item, Judgement
from labeling.imports.records import Parsed
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt, Ranking, Turn
from labeling.text import content_hash, prompt_key
from sampler import sampling
from sampler.models import Completion

MAX_RAW = 100_000  # characters of a raw record kept beside what it became


@dataclass(frozen=True)
class Target:
    """Where the items of one import go, and what they say of their origin."""

    project: Project
    source: str  # name of the data, for mixing and for taking the import back
    importer: str  # its name and version, stored beside each row
    dry_run: bool = False


@dataclass(frozen=True)
class Entry:
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


def write_prompts(target: Target, entries: Sequence[Entry]) -> None:
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


def write_dialogues(target: Target, entries: Sequence[Entry], splits: Mapping[str, str]) -> None:
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


def write_comparisons(target: Target, entries: Sequence[Entry], splits: Mapping[str, str]) -> None:
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


def _comparison(target: Target, entry: Entry, split: str, now: datetime) -> Comparison:
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
