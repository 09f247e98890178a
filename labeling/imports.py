"""Every write of imports: records of a file become prompts, demonstrations and comparisons.

Each batch is one transaction; what is there already, by content hash, is not made again, so a file
can be imported twice, or again after a kill. A record that cannot be stored is refused with its line
and reason and loses no other. The raw record and the transforms applied stay beside what was made.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

from django.db import DataError, transaction
from django.utils import timezone

from common import plugins
from labeling.importers import base
from labeling.importers._reading import Found, Unreadable, records
from labeling.importers.base import Asked, Item, Rejected, Steps
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt, Ranking, Turn
from labeling.text import content_hash, prompt_key, split_of
from sampler import sampling

IMPORTERS = "labeling.importers"
BATCH = 500
ERRORS_KEPT = 1_000
MAX_RAW = 100_000  # characters of a raw record kept beside what it became

Progress = Callable[[int], None]


@dataclass
class Report:
    """What became of the records of a file: each is imported, there already, or rejected."""

    format: str = ""
    source: str = ""
    rows: int = 0
    imported: int = 0
    already_there: int = 0
    rejected: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)  # the first thousand
    made: Counter[str] = field(default_factory=Counter)  # prompts, demonstrations, comparisons
    steps: Counter[str] = field(default_factory=Counter)  # records by transform
    samples: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        self.rejected += 1
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append({"line": line, "reason": reason})

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "imported": self.imported,
            "rejected": self.rejected,
            "already_there": self.already_there,
            "errors": self.errors,
            "format": self.format,
            "source": self.source,
            "made": dict(self.made),
            "transforms": dict(self.steps.most_common()),
        }


@dataclass
class _Read:
    """A record on its way: parsed, not yet stored."""

    line: int
    record: Any
    items: list[Item]
    steps: list[str]


def detect(file: IO[bytes]) -> str:
    """The format of most of the first records, or "" for none that we know."""
    votes: Counter[str] = Counter()
    for found in islice(records(file), 50):
        if found.reason:
            continue
        for name in plugins.choices(IMPORTERS):
            if plugins.load(IMPORTERS, name).matches(found.record):
                votes[name] += 1
                break
    file.seek(0)
    return votes.most_common(1)[0][0] if votes else ""


def _first(file: IO[bytes]) -> str:
    """What the first record of a file looks like, for whoever wonders why it is not known."""
    first = next(records(file), None)
    if first is None:
        return "There is no record in the file."
    if first.reason:
        return f"Line {first.line}: {first.reason}"
    if not isinstance(first.record, dict):
        return f"The first record is {base.kind_of(first.record)}."
    names = ", ".join(str(name)[:40] for name in islice(first.record, 12))
    return f"The first record has the fields {names}." if names else "The first record is empty."


def preview(
    *, project: Project, format: str, file: IO[bytes], kind: str = "", asked: Asked | None = None, samples: int = 5
) -> Report:
    """As `run`, with nothing stored: counts, transforms and the first records before and after."""
    return run(project=project, format=format, file=file, kind=kind, asked=asked, dry_run=True, samples=samples)


def run(
    *,
    project: Project,
    format: str,
    file: IO[bytes],
    source: str = "",
    kind: str = "",
    asked: Asked | None = None,
    dry_run: bool = False,
    samples: int = 0,
    progress: Progress = lambda rows: None,
) -> Report:
    """Import every record of `file`, which is open for reading bytes and can seek.

    `format` is a file of labeling/importers, or "" to detect it; `kind` is prompts, demonstrations or
    comparisons, or "" for what each record naturally is.

    Raises:
        UnknownPlugin: no such format. Unreadable: no known kind of file, or no known format.
    """
    if kind and kind not in base.KINDS:
        raise Unreadable(f"{kind!r} is not one of {', '.join(base.KINDS)}.")
    format = format or detect(file)
    if not format:
        known = ", ".join(plugins.choices(IMPORTERS))
        raise Unreadable(f"The records are in no format known here, which are {known}. {_first(file)}")
    report = Report(format=format, source=source or format)
    writer = _Writer(project, report, plugins.load(IMPORTERS, format), asked or Asked(), samples)
    batches = writer.parsed(records(file), kind)
    while batch := list(islice(batches, BATCH)):
        writer.store(batch, dry_run=dry_run)
        progress(report.rows)
    progress(report.rows)
    return report


class _Writer:
    def __init__(self, project: Project, report: Report, importer: Any, asked: Asked, samples: int) -> None:
        self._project, self._report, self._importer, self._samples = project, report, importer, samples
        self._asked = asked
        self._ids: dict[bytes, int] = {}  # digest of a record's id to its line
        self._contents: dict[bytes, int] = {}  # digest of a record's content to its line
        self._name = f"{report.format}/{importer.VERSION}"

    def parsed(self, found: Iterator[Found], kind: str) -> Iterator[_Read]:
        """The records that can be stored; the others are counted with their reasons."""
        for one in found:
            self._report.rows += 1
            if one.reason:
                self._report.reject(one.line, one.reason)
                continue
            steps = Steps(self._asked)
            try:
                self._refuse_known_id(one)
                items = self._importer.parse(one.record, kind, steps)
                self._refuse_double(one, items)
            except Rejected as refusal:
                self._report.reject(one.line, str(refusal))
            except RecursionError:
                self._report.reject(one.line, "The record is nested too deeply.")
            else:
                yield _Read(one.line, one.record, items, steps.taken)

    def _refuse_known_id(self, found: Found) -> None:
        if not isinstance(found.record, dict):
            return
        given = found.record.get("id", found.record.get("message_tree_id"))
        if isinstance(given, str | int) and given != "":
            digest = hashlib.blake2b(repr(given).encode("utf-8", "replace"), digest_size=8).digest()
            first = self._ids.setdefault(digest, found.line)
            if first != found.line:
                raise Rejected(f"The id {str(given)[:80]!r} was on line {first} already.")

    def _refuse_double(self, found: Found, items: list[Item]) -> None:
        packed = json.dumps([item.content() for item in items], sort_keys=True)
        digest = hashlib.blake2b(packed.encode(), digest_size=8).digest()
        first = self._contents.setdefault(digest, found.line)
        if first != found.line:
            raise Rejected(f"The record says the same as line {first}.")

    def store(self, batch: Sequence[_Read], *, dry_run: bool) -> None:
        """One transaction; where the database refuses it, one for each record."""
        for read in batch[: max(0, self._samples - len(self._report.samples))]:
            self._report.samples.append(
                {"line": read.line, "before": read.record, "transforms": read.steps, "after": _shown(read.items)}
            )
        try:
            outcome = self._stored(batch, dry_run=dry_run)
        except DataError as error:
            if len(batch) == 1:
                self._report.reject(batch[0].line, f"PostgreSQL cannot store it: {str(error).splitlines()[0]}.")
                return
            for read in batch:
                self.store([read], dry_run=dry_run)
            return
        for read, made in zip(batch, outcome, strict=True):
            if not made:
                self._report.already_there += 1
                continue
            self._report.imported += 1
            self._report.made.update(made)
            self._report.steps.update(read.steps)

    def _stored(self, batch: Sequence[_Read], *, dry_run: bool) -> list[list[str]]:
        """Kinds of the items made of each record; none where all were there."""
        with transaction.atomic():
            # Two imports into one project take turns, so that neither trips over the other's hashes.
            Project.objects.select_for_update(no_key=True).get(pk=self._project.pk)
            hashes = {id(item): self._hash(item) for read in batch for item in read.items}
            known = self._known(batch, hashes)
            fresh: list[tuple[_Read, Item, str]] = []
            outcome: list[list[str]] = []
            for read in batch:
                made = []
                for item in read.items:
                    digest = hashes[id(item)]
                    if (item.kind, digest) not in known:
                        known.add((item.kind, digest))
                        fresh.append((read, item, digest))
                        made.append(item.kind)
                outcome.append(made)
            if not dry_run:
                self._write(fresh)
        return outcome

    def _hash(self, item: Item) -> str:
        return content_hash(item.messages) if item.kind == base.PROMPTS else content_hash(item.content())

    def _known(self, batch: Sequence[_Read], hashes: dict[int, str]) -> set[tuple[str, str]]:
        known: set[tuple[str, str]] = set()
        models = ((base.PROMPTS, Prompt), (base.DEMONSTRATIONS, Dialogue), (base.COMPARISONS, Comparison))
        for kind, model in models:
            wanted = [hashes[id(item)] for read in batch for item in read.items if item.kind == kind]
            rows = model._default_manager.filter(project=self._project, content_hash__in=wanted)
            known |= {(kind, digest) for digest in rows.values_list("content_hash", flat=True)}
        return known

    def _write(self, fresh: Sequence[tuple[_Read, Item, str]]) -> None:
        splits = self._splits([item for _, item, _ in fresh])
        of_kind: dict[str, list[tuple[_Read, Item, str]]] = {kind: [] for kind in base.KINDS}
        for entry in fresh:
            of_kind[entry[1].kind].append(entry)
        Prompt.objects.bulk_create(
            Prompt(
                project=self._project,
                messages=item.messages,
                source=self._report.source,
                content_hash=digest,
                prompt_key=prompt_key(item.messages),
            )
            for _, item, digest in of_kind[base.PROMPTS]
        )
        self._write_dialogues(of_kind[base.DEMONSTRATIONS], splits)
        self._write_comparisons(of_kind[base.COMPARISONS], splits)

    def _splits(self, items: Sequence[Item]) -> dict[str, str]:
        """Split by prompt key, as `projects.split_for` has it, in two queries for the whole batch."""
        keys = {prompt_key(item.messages) for item in items}
        known: dict[str, str] = {}
        for model in (Dialogue, Comparison):
            rows = model._default_manager.filter(project=self._project, prompt_key__in=keys).exclude(split="")
            known |= dict(rows.values_list("prompt_key", "split"))
        project = self._project
        fresh = {
            key: split_of(salt=project.split_salt, key=key, test_share=project.test_share) for key in keys - set(known)
        }
        return known | fresh

    def _write_dialogues(self, entries: Sequence[tuple[_Read, Item, str]], splits: dict[str, str]) -> None:
        now = timezone.now()
        dialogues = [
            Dialogue(
                project=self._project,
                kind=Dialogue.Kind.IMPORTED,
                state=Dialogue.State.SUBMITTED,
                source=self._report.source,
                source_row=self._origin(read),
                content_hash=digest,
                prompt_key=prompt_key(item.messages),
                split=splits[prompt_key(item.messages)],
                submitted_at=now,
            )
            for read, item, digest in entries
        ]
        Dialogue.objects.bulk_create(dialogues)
        Turn.objects.bulk_create(
            Turn(dialogue=dialogue, position=position, role=message["role"], text=message["content"])
            for dialogue, (_, item, _) in zip(dialogues, entries, strict=True)
            for position, message in enumerate(item.messages)
        )

    def _write_comparisons(self, entries: Sequence[tuple[_Read, Item, str]], splits: dict[str, str]) -> None:
        """Ordered ones are closed and hold an imported ranking; the others wait for votes of ours."""
        now = timezone.now()
        texts = [(text.text, text.model) for _, item, _ in entries for text in item.completions]
        completions = iter(sampling.provide_all(texts=texts))
        comparisons, candidates, rankings = [], [], []
        for read, item, digest in entries:
            ordered = bool(item.judgements)
            comparison = Comparison(
                project=self._project,
                kind=Comparison.Kind.IMPORTED if ordered else Comparison.Kind.NORMAL,
                state=Comparison.State.CLOSED if ordered else Comparison.State.OPEN,
                prompt=item.messages,
                prompt_key=prompt_key(item.messages),
                split=splits[prompt_key(item.messages)],
                source=self._report.source,
                source_row=self._origin(read),
                content_hash=digest,
                k=len(item.completions),
                votes_wanted=1 if ordered else self._project.votes_per_comparison,
                opened_at=now,
                closed_at=now if ordered else None,
            )
            own = list(islice(completions, len(item.completions)))
            ids = [str(completion.pk) for completion in own]
            comparisons.append(comparison)
            candidates += [Candidate(comparison=comparison, index=n, completion=c) for n, c in enumerate(own)]
            rankings += [
                Ranking(
                    comparison=comparison,
                    kind=Ranking.Kind.IMPORTED,
                    order_shown=ids,
                    groups=[sorted(ids[index] for index in group) for group in given.groups],
                    ratings={ids[index]: rating for index, rating in given.ratings.items()},
                    flags={ids[index]: names for index, names in given.flags.items()},
                    strengths=list(given.strengths),
                    note=given.note,
                    submitted_at=now,
                )
                for given in item.judgements
            ]
        Comparison.objects.bulk_create(comparisons)
        Candidate.objects.bulk_create(candidates)
        Ranking.objects.bulk_create(rankings)

    def _origin(self, read: _Read) -> dict[str, Any]:
        """The raw record with the transforms' names and version: enough to undo and to run again."""
        packed = json.dumps(read.record, ensure_ascii=False)
        kept = read.record if len(packed) <= MAX_RAW and "\\u0000" not in packed else None
        return {"importer": self._name, "line": read.line, "transforms": read.steps, "row": kept}


def _shown(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [
        {
            "kind": item.kind,
            "messages": item.messages,
            "completions": [text.text for text in item.completions],
            "order": [list(group) for group in item.groups],
        }
        for item in items
    ]


@transaction.atomic
def revert(*, project: Project, source: str) -> dict[str, int]:
    """Take an import back: everything of that source that nobody has worked on since."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    comparisons = Comparison.objects.filter(project=project, source=source, source_row__isnull=False)
    untouched = comparisons.filter(assignments__isnull=True)
    completions = list(Candidate.objects.filter(comparison__in=untouched).values_list("completion_id", flat=True))
    counts = {
        "comparisons": untouched.count(),
        "comparisons kept": comparisons.count() - untouched.count(),
        "demonstrations": Dialogue.objects.filter(project=project, source=source, kind="imported").count(),
        "prompts": Prompt.objects.filter(project=project, source=source, dialogues__isnull=True).count(),
    }
    Comparison.objects.filter(pk__in=list(untouched.values_list("pk", flat=True))).delete()
    sampling.forget(completion_ids=completions)
    Dialogue.objects.filter(project=project, source=source, kind="imported").delete()
    Prompt.objects.filter(project=project, source=source, dialogues__isnull=True).delete()
    return counts


__all__ = ["Report", "Unreadable", "detect", "preview", "revert", "run"]
