"""An import as its page shows it: its name in addresses, what it says of itself, and the records that came in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.paginator import Page, Paginator
from django.db.models import Model, Prefetch, QuerySet
from django.utils.translation import gettext, gettext_noop

from common.numbers import grouped
from labeling.models import Candidate, Comparison, Dialogue, ImportRun, Prompt, Ranking, Turn
from labeling.pages.letters import LETTERS, letters_of, spelled
from managing.pages.dated_names import dated, named

if TYPE_CHECKING:
    from common.shapes import JsonObject
    from labeling.models import Project

State = ImportRun.State
SHOWN = 20  # imports in the list, and records on a page
SHOWN_ERRORS = 200
KINDS = ("comparisons", "dialogues", "prompts")
PLACES = letters_of([str(place) for place in range(len(LETTERS))])
NAMES = {  # of what an import makes, one and several
    "prompts": (gettext_noop("prompt"), gettext_noop("prompts")),
    "demonstrations": (gettext_noop("demonstration"), gettext_noop("demonstrations")),
    "ratings": (gettext_noop("rated dialogue"), gettext_noop("rated dialogues")),
    "comparisons": (gettext_noop("comparison"), gettext_noop("comparisons")),
    "rankings": (gettext_noop("further judgement"), gettext_noop("further judgements")),
}


@dataclass(frozen=True)
class Record:
    """One thing as people will see it: messages, and the answers to compare, best first where an order came along."""

    messages: Sequence[object]
    answers: Sequence[tuple[str, str]] = ()  # each with its letter
    order: str = ""
    pk: object = None  # of a dialogue that has a page of its own


@dataclass(frozen=True)
class Shown:
    """An import for people."""

    run: ImportRun
    name: str
    report: JsonObject
    percent: int = 0
    made: str = ""  # "3 comparisons and 1 prompt"
    errors: Sequence[object] = ()
    not_used: Sequence[tuple[str, object]] = ()
    samples: Sequence[tuple[object, Sequence[Record]]] = field(default=())

    @property
    def underway(self) -> bool:
        return self.run.state in (State.QUEUED, State.RUNNING, State.REVERTING)

    @property
    def waits(self) -> bool:
        """Whether it is a preview whose file can be imported."""
        return bool(self.run.dry_run and self.run.state == State.FINISHED and self.run.stored_as and self.made)


def name_of(run: ImportRun) -> str:
    """Its name in addresses: the day, and the beginning of its id."""
    return dated(run.created_at, run.pk)


def find(project: Project, name: str) -> ImportRun | None:
    return named(ImportRun.objects.filter(project=project).select_related("requested_by"), name, name_of)


def latest(project: Project) -> list[Shown]:
    """Without their reports, which may be long."""
    rows = ImportRun.objects.filter(project=project).select_related("requested_by").defer("report")
    return [Shown(run, name_of(run), {}) for run in rows.order_by("-created_at")[:SHOWN]]


def source_of(run: ImportRun) -> str:
    return str(run.asked.get("source") or run.summary.get("source", ""))


def shown(run: ImportRun) -> Shown:
    report = run.summary
    errors, unused, samples = report.get("errors"), report.get("not_used"), report.get("samples")
    return Shown(
        run, name_of(run), report, run.percent, in_words(report.get("made")),
        errors[:SHOWN_ERRORS] if isinstance(errors, list) else (),
        list(unused.items()) if isinstance(unused, dict) else (),
        [(one.get("line"), _records(one.get("shown"))) for one in samples if isinstance(one, dict)]
        if isinstance(samples, list) else (),
    )  # fmt: skip


def in_words(made: object) -> str:
    """ "3 comparisons, 2 further judgements and 1 prompt" of the counts of a report."""
    if not isinstance(made, dict):
        return ""
    parts = []
    for kind, names in NAMES.items():
        if isinstance(count := made.get(kind), int) and count:
            parts.append(f"{grouped(count)} {gettext(names[count != 1])}")
    return gettext(" and ").join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _records(items: object) -> list[Record]:
    return [_record(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _record(item: JsonObject) -> Record:
    messages, texts, order = item.get("messages"), item.get("completions"), item.get("order")
    groups = [list(map(int, group)) for group in order] if isinstance(order, list) else []  # type: ignore[arg-type]
    return Record(
        messages if isinstance(messages, list) else (),
        lettered(map(str, texts)) if isinstance(texts, list) else (),
        ordered(groups),
    )


def lettered(texts: Iterable[str]) -> list[tuple[str, str]]:
    return list(zip(LETTERS, texts, strict=False))


def ordered(groups: Iterable[Iterable[int]]) -> str:
    """ "B > A = C" of the answers' places, best first."""
    return spelled([[str(place) for place in group] for group in groups], PLACES)


def counts(project: Project, source: str) -> list[tuple[str, str]]:
    """The kinds of which there are records of this import now, each with how many in words."""
    found = {kind: rows.count() for kind, rows in _rows(project, source).items()}
    names = {**NAMES, "dialogues": (gettext_noop("dialogue"), gettext_noop("dialogues"))}
    return [(kind, f"{grouped(count)} {gettext(names[kind][count != 1])}") for kind, count in found.items() if count]


def came_in(project: Project, source: str, kind: str, number: str | None) -> tuple[Page[Model], list[Record]]:
    """A page of the records of one kind."""
    page = Paginator(_rows(project, source)[kind].order_by("created_at", "pk"), SHOWN).get_page(number)
    return page, [_stored(row) for row in page]


def _rows(project: Project, source: str) -> dict[str, QuerySet[Comparison] | QuerySet[Dialogue] | QuerySet[Prompt]]:
    candidates = Candidate.objects.select_related("completion").order_by("pk")
    judged = Ranking.objects.filter(kind=Ranking.Kind.IMPORTED).order_by("pk")
    comparisons = Comparison.objects.filter(project=project, source=source, source_row__isnull=False)
    dialogues = Dialogue.objects.filter(project=project, source=source, kind=Dialogue.Kind.IMPORTED)
    return {
        "comparisons": comparisons.prefetch_related(
            Prefetch("candidates", candidates), Prefetch("rankings", judged)
        ),
        "dialogues": dialogues.prefetch_related(Prefetch("turns", Turn.objects.order_by("position"))),
        "prompts": Prompt.objects.filter(project=project, source=source),
    }  # fmt: skip


def _stored(row: object) -> Record:
    if isinstance(row, Dialogue):
        return Record([{"role": turn.role, "content": turn.text} for turn in row.turns.all()], pk=row.pk)
    if isinstance(row, Prompt):
        return Record(row.messages)
    assert isinstance(row, Comparison)
    candidates = list(row.candidates.all())
    places = {str(one.completion_id): place for place, one in enumerate(candidates)}
    ranking = next(iter(row.rankings.all()), None)
    groups = [[places[one] for one in group if one in places] for group in ranking.groups] if ranking else []
    return Record(row.prompt, lettered(one.completion.text for one in candidates), ordered(groups))
