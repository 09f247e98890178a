"""Storing of imports: a batch in one transaction, without what the project holds already; and taking an import back.

What is there already is not made again, so a file can be imported twice, or again after a kill: a record is known by
its source and its id, or where it has none by its content. Judgements of the same completions are rankings of one
comparison.
The raw record and the transforms applied stay beside what was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from labeling.importers.base import COMPARISONS, PROMPTS
from labeling.imports import rows
from labeling.imports.records import Parsed
from labeling.imports.rows import Entry, Subject, Target
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt, Ranking, Review, TurnFeedback
from labeling.text import split_of
from sampler import sampling


def store(target: Target, batch: Sequence[Parsed]) -> list[list[str]]:
    """Store the items that the project does not hold yet; return the kinds made of each record (a dry run: that
    would have been made), none where all were there."""
    with transaction.atomic():
        # Two imports into one project take turns, so that neither trips over the other's hashes.
        Project.objects.select_for_update(no_key=True).get(pk=target.project.pk)
        entries = [
            [Entry(parsed, item, target.source, place) for place, item in enumerate(parsed.items)] for parsed in batch
        ]
        new = _New(target, [entry for of_record in entries for entry in of_record])
        made = [[kind for entry in of_record for kind in new.add(entry)] for of_record in entries]
        if not target.dry_run:
            new.write()
    return made


class _New:
    """What of a batch the project does not hold yet."""

    def __init__(self, target: Target, entries: Sequence[Entry]) -> None:
        self._target = target
        self._prompts: list[Entry] = []
        self._dialogues: list[Entry] = []
        self._comparisons: list[Entry] = []
        self._rankings: list[tuple[Entry, str]] = []
        by_kind = {kind: [entry for entry in entries if entry.item.kind == kind] for kind in (PROMPTS, COMPARISONS)}
        others = [entry for entry in entries if entry.item.kind not in by_kind]
        self._known = _known(target, Prompt, by_kind[PROMPTS]) | _known(target, Dialogue, others)
        self._known |= _known(target, Comparison, by_kind[COMPARISONS])
        self._subjects = _subjects(target, by_kind[COMPARISONS])
        stored = [subject.comparison.pk for subject in self._subjects.values()]
        rankings = Ranking.objects.filter(comparison__in=stored, kind=Ranking.Kind.IMPORTED) if stored else ()
        self._judged = {ranking.submission_hash for ranking in rankings}

    def add(self, entry: Entry) -> list[str]:
        """The kinds that will be made of the entry."""
        if entry.former in self._known and entry.parsed.is_first:
            return []
        if entry.item.kind == COMPARISONS:
            return self._add_comparison(entry)
        if entry.digest in self._known:
            return []
        self._known.add(entry.digest)
        (self._prompts if entry.item.kind == PROMPTS else self._dialogues).append(entry)
        return [entry.item.kind]

    def _add_comparison(self, entry: Entry) -> list[str]:
        """A comparison where nobody judged these completions yet, else further judgements of it."""
        is_new = entry.digest not in self._known
        if not is_new and (subject := self._subjects.get(entry.digest)) and not subject.ids(entry):
            return []  # its texts were taken back
        fresh = [digest for digest in entry.judgements if digest not in self._judged]
        self._judged.update(fresh)
        self._rankings += [(entry, digest) for digest in fresh]
        if is_new:
            self._known.add(entry.digest)
            self._comparisons.append(entry)
            return [COMPARISONS]
        return ["rankings"] * len(fresh)

    def write(self) -> None:
        keyed = [*self._dialogues, *self._comparisons]
        splits = _splits(self._target.project, {entry.key for entry in keyed})
        rows.write_prompts(self._target, self._prompts)
        rows.write_dialogues(self._target, self._dialogues, splits)
        subjects = self._subjects | rows.write_comparisons(self._target, self._comparisons, splits)
        given = [(entry, subjects[entry.digest], digest) for entry, digest in self._rankings]
        rows.write_rankings(self._target, given)


def _known(target: Target, model: type[Prompt | Dialogue | Comparison], entries: Sequence[Entry]) -> set[str]:
    """The digests of those entries that the project holds, also under the digest that they once got."""
    if not entries:
        return set()
    found = model._default_manager.filter(project=target.project)
    known = found.filter(content_hash__in=[entry.digest for entry in entries])
    former = found.filter(content_hash__in=[entry.former for entry in entries], source=target.source)
    return {*known.values_list("content_hash", flat=True), *former.values_list("content_hash", flat=True)}


def _subjects(target: Target, entries: Sequence[Entry]) -> dict[str, Subject]:
    """The comparisons of these entries that the project holds, by digest."""
    digests = [entry.digest for entry in entries]
    if not digests:
        return {}
    found = Comparison.objects.filter(project=target.project, content_hash__in=digests)
    subjects = {comparison.pk: Subject(comparison, {}) for comparison in found}
    if subjects:
        columns = ("comparison_id", "completion_id", "completion__text", "completion__model_label")
        for pk, completion, text, label in Candidate.objects.filter(comparison__in=subjects).values_list(*columns):
            subjects[pk].completions[text, label] = str(completion)
    return {subject.comparison.content_hash: subject for subject in subjects.values()}


def _splits(project: Project, keys: set[str]) -> dict[str, str]:
    """Split by prompt key, as `projects.split_for` has it, in two queries for the whole batch."""
    known: dict[str, str] = {}
    for model in (Dialogue, Comparison):
        found = model._default_manager.filter(project=project, prompt_key__in=keys).exclude(split="")
        known |= dict(found.values_list("prompt_key", "split"))
    new = keys - set(known)
    return known | {key: split_of(salt=project.split_salt, key=key, test_share=project.test_share) for key in new}


@transaction.atomic
def revert(*, project: Project, source: str) -> dict[str, int]:
    """Take an import back: everything of that source that nobody has worked on since."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    comparisons = Comparison.objects.filter(project=project, source=source, source_row__isnull=False)
    dialogues = Dialogue.objects.filter(project=project, source=source, kind=Dialogue.Kind.IMPORTED)
    prompts = Prompt.objects.filter(project=project, source=source)
    _lock(comparisons, dialogues, prompts)
    untouched = _untouched(comparisons)
    completions = list(Candidate.objects.filter(comparison__in=untouched).values_list("completion_id", flat=True))
    unread = dialogues.filter(reviews__isnull=True, comparisons__isnull=True, superseded_by__isnull=True).exclude(
        turns__feedback__kind=TurnFeedback.Kind.GIVEN
    )
    prompts = prompts.filter(dialogues__isnull=True)
    rated = set(unread.filter(turns__feedback__isnull=False).values_list("pk", flat=True))
    taken = set(unread.values_list("pk", flat=True))
    counts = {
        "comparisons": len(untouched),
        "comparisons kept": comparisons.count() - len(untouched),
        "demonstrations": len(taken - rated),
        "ratings": len(rated),
        "prompts": prompts.count(),
    }
    Comparison.objects.filter(pk__in=untouched).delete()
    sampling.forget(completion_ids=completions)
    Dialogue.objects.filter(pk__in=taken).delete()
    prompts.delete()
    return counts


def _lock(*kinds: QuerySet[Comparison] | QuerySet[Dialogue] | QuerySet[Prompt]) -> None:
    """Whoever begins to work on one of these rows has either done so by now, or waits and finds it gone."""
    for kind in kinds:
        list(kind.order_by("pk").select_for_update(of=("self",)).values_list("pk"))


def _untouched(comparisons: QuerySet[Comparison]) -> list[UUID]:
    """Those that nobody ranked, holds or held, adjudicated, reviewed or made a hidden item of."""
    given = Ranking.objects.filter(comparison=OuterRef("pk")).exclude(kind=Ranking.Kind.IMPORTED)
    reviewed = Review.objects.filter(ranking__comparison=OuterRef("pk"))
    alone = comparisons.filter(~Exists(given), ~Exists(reviewed), assignments__isnull=True, repeats__isnull=True)
    return list(alone.values_list("pk", flat=True))
