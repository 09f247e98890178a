"""Storing of imports: a batch in one transaction, without what the project holds already; and taking an import back.

What is there already, by content hash, is not made again, so a file can be imported twice, or again after a kill.
The raw record and the transforms applied stay beside what was made.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from labeling.importers.base import COMPARISONS, DEMONSTRATIONS, PROMPTS
from labeling.imports import rows
from labeling.imports.records import Parsed
from labeling.imports.rows import Entry, Target
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt
from labeling.text import split_of
from sampler import sampling

MODELS: dict[str, type[Prompt | Dialogue | Comparison]] = {
    PROMPTS: Prompt,
    DEMONSTRATIONS: Dialogue,
    COMPARISONS: Comparison,
}


def store(target: Target, batch: Sequence[Parsed]) -> list[list[str]]:
    """Store the items that the project does not hold yet; return the kinds made of each record (a dry run: that
    would have been made), none where all were there."""
    with transaction.atomic():
        # Two imports into one project take turns, so that neither trips over the other's hashes.
        Project.objects.select_for_update(no_key=True).get(pk=target.project.pk)
        entries = [[Entry(parsed, item) for item in parsed.items] for parsed in batch]
        known = _known(target.project, [entry for of_record in entries for entry in of_record])
        fresh: list[Entry] = []
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


def _known(project: Project, entries: Sequence[Entry]) -> set[tuple[str, str]]:
    """(kind, content hash) of those entries whose content the project holds."""
    known: set[tuple[str, str]] = set()
    for kind, model in MODELS.items():
        wanted = [entry.digest for entry in entries if entry.item.kind == kind]
        found = model._default_manager.filter(project=project, content_hash__in=wanted)
        known |= {(kind, digest) for digest in found.values_list("content_hash", flat=True)}
    return known


def _write(target: Target, fresh: Sequence[Entry]) -> None:
    splits = _splits(target.project, {entry.key for entry in fresh})
    of_kind: dict[str, list[Entry]] = {kind: [] for kind in MODELS}
    for entry in fresh:
        of_kind[entry.item.kind].append(entry)
    rows.write_prompts(target, of_kind[PROMPTS])
    rows.write_dialogues(target, of_kind[DEMONSTRATIONS], splits)
    rows.write_comparisons(target, of_kind[COMPARISONS], splits)


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
