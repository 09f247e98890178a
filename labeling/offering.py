"""Whether a person is given a task of a project now: one in a language in which they work, once they have agreed to
what is to be agreed to (`labeling/agreements.py`). What is begun can be finished all the same.

And which tasks they are not given: those with texts of a kind of harm that they opted out of, and, past the week's
limit of minutes, those with any flagged text. Kinds of harm stand on comparisons and prompts (`labeling/harms.py`). The
same holds for what reviewers are given; where they open such a text by its address, it is covered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from accounts import languages
from common.held import Held
from labeling import agreements, exposure
from labeling.errors import NotOffered
from labeling.models import Project
from screening.models import Verdict
from screening.verdicts import in_force

if TYPE_CHECKING:
    from accounts.models import User

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Avoided:
    """What a person is not given now: texts of these kinds of harm, or every flagged text."""

    categories: tuple[str, ...] = ()
    every: bool = False

    def __bool__(self) -> bool:
        return self.every or bool(self.categories)

    def leave_out(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Of comparisons or prompts, those that the person may be given."""
        if self.every:
            return rows.filter(harms=[])
        return rows.exclude(harms__overlap=list(self.categories)) if self.categories else rows

    def verdicts(self) -> QuerySet[Verdict]:
        """Those on texts that the person is not given."""
        rows = in_force().exclude(harms=[])
        return rows if self.every else rows.filter(harms__overlap=list(self.categories))

    def has(self, harms: Collection[str]) -> bool:
        return bool(harms) and (self.every or not set(self.categories).isdisjoint(harms))


NOTHING = Avoided()
EVERYTHING = Avoided(every=True)


def check(*, project: Project, person: User, by_program: bool = False) -> None:
    """Costs no statement: languages are read with the person and the project, and agreements are held for a second.

    Raises:
        NotOffered: it is not their language. NotAgreed: something is to be read and agreed to first.
    """
    if not languages.works_in(person, project.language):
        raise NotOffered(
            "This project is in %(language)s, and you work in other languages. You choose them under Password and "
            "security.",
            language=languages.name_of(project.language),
        )
    agreements.check(project=project, person=person, by_program=by_program)


def avoided(project: Project, person: User) -> Avoided:
    """Costs no statement but where the project has a limit of minutes: whether it is reached is held for a second."""
    return Avoided(tuple(person.opted_out_of), every=limit_reached(project, person))


def opted_out(person: User) -> Avoided:
    """Wherever it is met: those texts are covered for this person."""
    return Avoided(tuple(person.opted_out_of))


def at_their_limit(projects: Iterable[Project], person: User) -> list[UUID]:
    """Of these projects, in as many statements as of one."""
    limits = {project.pk: 60 * project.exposure_minutes for project in projects if project.exposure_minutes}
    spent = exposure.this_week(person=person.pk, projects=list(limits)) if limits else {}
    return [project for (_, project), seconds in spent.items() if seconds >= limits[project]]


def limit_reached(project: Project, person: User) -> bool:
    limit = project.exposure_minutes
    return bool(limit) and (_seconds.get((person.pk, project.pk)) or 0) >= 60 * limit


def _read(key: tuple[int, UUID]) -> int:
    person, project = key
    return exposure.this_week(person=person, projects=[project]).get(key, 0)


_seconds = Held(_read)
