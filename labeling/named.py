"""What is asked for by its number or name has to be there: an answer to a wrong one would be empty without a word."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from common.listed import listed
from labeling.errors import Invalid
from labeling.models import Comparison, Dialogue, Prompt

if TYPE_CHECKING:
    from labeling.models import Project


def check_named(
    project: Project, *, round: int | None = None, guideline_version: int | None = None, sources: Iterable[str] = ()
) -> None:
    """Refuse numbers and names that mean nothing in this project. `sources` are names of imports.

    Raises:
        Invalid: with what there is.
    """
    if round is not None:
        _in("round", round, project.rounds.order_by("number").values_list("number", flat=True))
    if guideline_version is not None:
        numbers = project.guidelines.order_by("number").values_list("number", flat=True)
        _in("guideline version", guideline_version, numbers)
    if sources := list(sources):
        there = sources_of(project)
        for source in sources:
            _in("import called", source, there)


def _in(what: str, name: int | str, there: Collection[int] | Collection[str]) -> None:
    if name not in there:
        raise Invalid(f"This project has no {what} {name!r}. There are: {listed(there)}.")


def sources_of(project: Project) -> list[str]:
    """Names of what was imported and is there, sorted."""
    names: set[str] = set()
    for rows in (Comparison, Dialogue, Prompt):
        brought = rows.objects.filter(project=project).exclude(source="").order_by()
        names |= set(brought.values_list("source", flat=True).distinct())
    return sorted(names)
