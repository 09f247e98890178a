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
from labeling.importers.base import COMPARISONS, PROMPTS, Item, Judgement, Text
from labeling.imports.records import Parsed
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt, Ranking, Turn, TurnFeedback
from labeling.text import content_hash, prompt_key
from sampler import sampling

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
    source: str
    place: int = 0  # among the items of the record

    @cached_property
    def digest(self) -> str:
        """What makes it the same as a row that is there: of a prompt its text, of a comparison what is judged, of
        everything else the record that it came from."""
        if self.item.kind == PROMPTS:
            return content_hash(self.item.messages)
        if self.item.kind == COMPARISONS:
            return content_hash(["subject", self.source, self.item.subject()])
        return content_hash(["record", self.source, *self.parsed.identity, self.place])

    @cached_property
    def former(self) -> str:
        """The digest that rows of the same content got before records had an identity."""
        item, first = self.item, self.item.judgements[:1]
        further = [[list(group) for group in one.groups] for one in item.judgements[1:]]
        return content_hash(
            ({"further": further} if further else {})
            | {
                "kind": item.kind,
                "messages": item.messages,
                "completions": [[text.text, text.model] for text in item.completions],
                "groups": [list(group) for one in first for group in one.groups],
            }
        )

    @cached_property
    def judgements(self) -> dict[str, Judgement]:
        """Every judgement under what makes it the same as one that is there."""
        return {
            content_hash(["judgement", self.source, *self.parsed.identity, self.place, number]): one
            for number, one in enumerate(self.item.judgements)
        }

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
            paraphrases=entry.item.paraphrases,
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
    turns = [_turns(dialogue, entry.item) for dialogue, entry in zip(dialogues, entries, strict=True)]
    Turn.objects.bulk_create(turn for of_dialogue in turns for turn in of_dialogue)
    TurnFeedback.objects.bulk_create(
        TurnFeedback(turn=of_dialogue[place], kind=TurnFeedback.Kind.IMPORTED, thumb_up=up)
        for of_dialogue, entry in zip(turns, entries, strict=True)
        for place, up in entry.item.thumbs
    )


def _turns(dialogue: Dialogue, item: Item) -> list[Turn]:
    return [
        Turn(
            dialogue=dialogue,
            position=place,
            role=message["role"],
            text=message["content"],
            is_example=place not in item.context,
        )
        for place, message in enumerate(item.messages)
    ]


@dataclass
class Subject:
    """A comparison in the database, its completions by what they say."""

    comparison: Comparison
    completions: dict[tuple[str, str], str]

    def ids(self, entry: Entry) -> list[str]:
        """The ids of the entry's completions, in the entry's order; empty where one is not there."""
        ids = [self.completions.get(said(text)) for text in entry.item.completions]
        return [id_ for id_ in ids if id_] if all(ids) else []


def said(text: Text) -> tuple[str, str]:
    return text.text, text.model[: sampling.LABEL_LENGTH]


def write_comparisons(target: Target, entries: Sequence[Entry], splits: Mapping[str, str]) -> dict[str, Subject]:
    """Ordered ones are closed; the others wait for votes of ours. Judgements are written by `write_rankings`."""
    now = timezone.now()
    texts = [(text.text, text.model) for entry in entries for text in entry.item.completions]
    completions = iter(sampling.provide_all(texts=texts))
    candidates: list[Candidate] = []
    subjects: dict[str, Subject] = {}
    for entry in entries:
        comparison = _comparison(target, entry, splits[entry.key], now)
        own = list(islice(completions, len(entry.item.completions)))
        candidates += [Candidate(comparison=comparison, index=n, completion=c) for n, c in enumerate(own)]
        ids = {said(text): str(c.pk) for text, c in zip(entry.item.completions, own, strict=True)}
        subjects[entry.digest] = Subject(comparison, ids)
    Comparison.objects.bulk_create(subject.comparison for subject in subjects.values())
    Candidate.objects.bulk_create(candidates)
    return subjects


def write_rankings(target: Target, given: Sequence[tuple[Entry, Subject, str]]) -> None:
    """Imported rankings: (entry, what it judges, digest of the judgement)."""
    now = timezone.now()
    Ranking.objects.bulk_create(
        _ranking(target, entry, subject, digest, entry.judgements[digest], now) for entry, subject, digest in given
    )


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


def _ranking(
    target: Target, entry: Entry, subject: Subject, digest: str, judgement: Judgement, now: datetime
) -> Ranking:
    ids = subject.ids(entry)
    own = subject.comparison.source_row or {}
    return Ranking(
        comparison=subject.comparison,
        kind=Ranking.Kind.IMPORTED,
        order_shown=ids,
        groups=[sorted(ids[index] for index in group) for group in judgement.groups],
        ratings={ids[index]: rating for index, rating in judgement.ratings.items()},
        flags={ids[index]: names for index, names in judgement.flags.items()},
        strengths=list(judgement.strengths),
        note=judgement.note,
        submission_hash=digest,
        source_row=None if own.get("line") == entry.parsed.line else _origin(target, entry.parsed),
        submitted_at=now,
    )


def _origin(target: Target, parsed: Parsed) -> dict[str, Json]:
    """The raw record with the transforms' names and version: enough to undo and to run again."""
    packed = json.dumps(parsed.record, ensure_ascii=False)
    kept = parsed.record if len(packed) <= MAX_RAW else None
    return {"importer": target.importer, "line": parsed.line, "transforms": list(parsed.transforms), "row": kept}
