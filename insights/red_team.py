"""How often each rule of a project's red-team work was broken, by the model version that was tried. Counted when it is
asked for: tries are few. What a reviewer found counts for sure, else what the trainer says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Subquery
from django.utils.translation import gettext_noop

from common.shapes import JsonObject
from common.stats.intervals import wilson
from insights import charts
from insights.sections import Section
from insights.table_output import shown
from insights.tables import Row, Table
from labeling.models import Dialogue, Project, RedTeamAttempt, Review

COLUMNS = (
    "rule", "version", "model", "chats", "broken", "held", "unclear", "success rate", "95% low", "95% high", "checked",
    "trainer confirmed", "95% low ", "95% high ",
)  # fmt: skip
TABLE = "red-team"
ALL = "all"
BROKEN, HELD, UNCLEAR = (value.value for value in Review.Finding)


@dataclass
class Tries:
    """What became of the chats about one version of a rule with one model version; `model` may be all of them."""

    number: int
    version: int
    name: str
    model: str
    ended: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by finding
    checked: int = 0  # by a reviewer
    confirmed: int = 0  # of those that are clear: found as the trainer says

    @property
    def chats(self) -> int:
        return sum(self.ended.values())

    @property
    def rate(self) -> tuple[float, float, float] | None:
        """How often the rule was broken, with its interval; unclear ones are not counted."""
        return _share(self.ended[BROKEN], self.ended[BROKEN] + self.ended[HELD])

    @property
    def agreement(self) -> tuple[float, float, float] | None:
        """How often the reviewer found what the trainer says."""
        return _share(self.confirmed, self.checked - self.ended[UNCLEAR])

    def add(self, said: str, found: str, count: int) -> None:
        self.ended[found or said] += count
        self.checked += count if found else 0
        self.confirmed += count if found == said else 0


def _share(part: int, of: int) -> tuple[float, float, float] | None:
    return (part / of, *wilson(part / of, of)) if of else None


def tries_of(project: Project) -> list[Tries]:
    """Of each rule, by number and version, first all models, then each."""
    found: dict[tuple[int, int, str], Tries] = {}
    for number, version, name, model, said, finding, count in _counted(project):
        for one in (ALL, model or "–"):
            key = (number, version, one)
            found.setdefault(key, Tries(number, version, name, one)).add(said, finding or "", count)
    return [found[key] for key in sorted(found, key=lambda key: (*key[:2], key[2] != ALL, key[2]))]


def _counted(project: Project) -> Sequence[tuple[int, int, str, str | None, str, str | None, int]]:
    reviews = Review.objects.in_force().filter(dialogue=OuterRef("dialogue"))
    last = reviews.exclude(finding="").order_by("-created_at", "-pk").values("finding")[:1]
    handed_in = RedTeamAttempt.objects.filter(dialogue__project=project, dialogue__state__in=Dialogue.HANDED_IN)
    kept = handed_in.exclude(Exists(reviews.filter(decision=Review.Decision.EXCLUDED)))
    rows = kept.annotate(found=Subquery(last)).order_by().values_list(
        "dialogue__rule__number", "dialogue__rule__version", "dialogue__rule__name", "dialogue__model_version__slug",
        "outcome", "found",
    )  # fmt: skip
    return list(rows.annotate(n=Count("pk")))


def table(found: Sequence[Tries]) -> Table:
    none = (None, None, None)
    rows: list[Row] = [
        (
            one.name, one.version, one.model, one.chats, one.ended[BROKEN], one.ended[HELD], one.ended[UNCLEAR],
            *(one.rate or none), one.checked, *(one.agreement or none),
        )
        for one in found
    ]  # fmt: skip
    return Table("How often each rule was broken", COLUMNS, rows, frozenset({7, 8, 9, 11, 12, 13}))


def sections(found: Sequence[Tries]) -> list[Section]:
    rows = [
        (f"{one.name} (v{one.version}), {one.model}", *(one.rate or (None, None, None)))
        for one in found
    ]  # fmt: skip
    return [
        Section(
            gettext_noop("Rules that were broken"),
            "Of the red-team chats handed in: in how many a reply broke the rule. What a reviewer found counts, else "
            "what the trainer says; what is unclear is left out. A trainer tries until it works or they give up, so "
            "this compares model versions and rules, and is not how often people meet a broken rule.",
            charts.intervals("Success rate of the tries, with 95% intervals", rows),
            [shown(table(found), TABLE)],
        )
    ]


def as_json(one: Tries) -> JsonObject:
    """For the API."""
    return {
        "rule": one.number, "version": one.version, "name": one.name,
        "model_version": None if one.model == ALL else one.model,
        "chats": one.chats, "broken": one.ended[BROKEN], "held": one.ended[HELD], "unclear": one.ended[UNCLEAR],
        "success_rate": _rate(one.rate), "checked": one.checked, "trainer_confirmed": _rate(one.agreement),
    }  # fmt: skip


def _rate(rate: tuple[float, float, float] | None) -> JsonObject | None:
    return None if rate is None else {"value": rate[0], "low": rate[1], "high": rate[2]}
