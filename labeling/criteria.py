"""Grades on named criteria, which a project may ask for instead of one overall grade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from django.utils.translation import gettext_noop

from labeling.errors import Invalid

STEPS = range(2, 8)
MOST = 9  # criteria of a project
LONGEST = 60  # characters of a name
# Askell et al. 2021 (arXiv 2112.00861)
HHH = (gettext_noop("helpful"), gettext_noop("honest"), gettext_noop("harmless"))


class Criterion(TypedDict):
    """What is graded, from 1 to `steps`."""

    name: str
    steps: int


Grades = dict[str, dict[str, int]]
"""By completion id, then by the criterion's name."""


def check_criteria(given: object) -> list[Criterion]:
    """A project's criteria as they are stored.

    Raises:
        Invalid: no name, one twice, or steps that nobody could tell apart.
    """
    if not isinstance(given, list) or len(given) > MOST:
        raise Invalid("At most %(most)s criteria are asked.", most=MOST)
    checked: list[Criterion] = []
    for one in given:
        if not isinstance(one, Mapping) or set(one) != {"name", "steps"}:
            raise Invalid("A criterion takes exactly 'name' and 'steps'.")
        name, steps = one["name"], one["steps"]
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST:
            raise Invalid("A criterion has a name of at most %(longest)s characters.", longest=LONGEST)
        if isinstance(steps, bool) or not isinstance(steps, int) or steps not in STEPS:
            raise Invalid(
                "%(name)s takes %(steps)s to %(last)s steps.", name=repr(name), steps=STEPS[0], last=STEPS[-1]
            )
        checked.append({"name": name, "steps": steps})
    names = [criterion["name"].casefold() for criterion in checked]
    if len(set(names)) < len(names):
        raise Invalid("Two criteria have the same name.")
    return checked


def check_grades(given: Mapping[str, Mapping[str, object]], ids: Sequence[str], asked: Sequence[Criterion]) -> Grades:
    """What a trainer said, in the order shown and in the project's order of criteria; those not graded are left out.

    Raises:
        Invalid: not of these completions, not of this project, or out of its steps.
    """
    if not isinstance(given, Mapping) or any(not isinstance(grades, Mapping) for grades in given.values()):
        raise Invalid("Grades on criteria are given by completion, then by criterion.")
    if unknown := set(given) - set(ids):
        raise Invalid("%(one)s is not a completion of this comparison.", one=sorted(unknown)[0])
    steps = {criterion["name"]: criterion["steps"] for criterion in asked}
    for grades in given.values():
        for name, grade in grades.items():
            if name not in steps:
                raise Invalid("“%(name)s” is not a criterion of this project.", name=str(name)[:LONGEST])
            if isinstance(grade, bool) or not isinstance(grade, int) or not 1 <= grade <= steps[name]:
                raise Invalid(
                    "A grade of “%(name)s” is a whole number from 1 to %(steps)s.", name=name, steps=steps[name]
                )
    kept: Grades = {}
    for cid in ids:
        if said := given.get(cid):
            kept[cid] = {name: int(str(said[name])) for name in steps if name in said}
    return kept
