"""Writes on the rules of a project's red-team work, by its managers. A rule's words never change: others are its next
version. One that ends is given to nobody any more, and what was done under it keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.audit import record
from labeling.errors import Gone, Invalid
from labeling.models import Project, RedTeamRule
from labeling.text import clean
from screening.rules import harms

if TYPE_CHECKING:
    from accounts.models import User

MOST = 50  # rules in force at a time
LONGEST = {"name": 80, "sentence": 500}  # characters


@transaction.atomic
def publish_rule(
    *,
    project: Project,
    name: str,
    sentence: str,
    category: str = "",
    number: int | None = None,
    place: int | None = None,
    by: User | None = None,
) -> RedTeamRule:
    """A new rule, or the next version of the one with this `number`; the one in force where nothing changed. `place`
    is where it stands among the others, from 1; without one it stays where it is, a new one at the end.

    Raises:
        Invalid: the name or the sentence is empty, or there are enough rules. Gone: no such rule is in force.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    words = {"name": _line(name, "name"), "sentence": _line(sentence, "sentence"), "category": category}
    if category and category not in harms():
        raise Invalid("%(category)s is not a category of the content filter.", category=category, field="category")
    of_project = RedTeamRule.objects.filter(project=project)
    current = _in_force(project, number) if number is not None else None
    if current is None and of_project.in_force().count() >= MOST:
        raise Invalid("There are %(most)s rules already. End one first.", most=MOST)
    if current is not None and words == {column: getattr(current, column) for column in words}:
        rule = current
    else:
        last = of_project.aggregate(number=Max("number"), place=Max("place"))
        if current is not None:
            of_project.filter(pk=current.pk).update(ended_at=timezone.now())
        rule = RedTeamRule.objects.create(
            project=project,
            number=current.number if current else (last["number"] or 0) + 1,
            version=current.version + 1 if current else 1,
            place=current.place if current else (last["place"] or 0) + 1,
            created_by=by,
            **words,
        )
        record(actor=by, action="red_team_rule.published", obj=rule, project_id=project.pk)
    _put(project, rule, place)
    return rule


def _line(text: str, field: str) -> str:
    """One line, as long as its column."""
    line, most = " ".join(clean(text).split()), LONGEST[field]
    if not line:
        raise Invalid("A rule has a name, and a sentence that says what the model must not do.", field=field)
    if len(line) > most:
        raise Invalid("At most %(most)s characters.", most=most, field=field)
    return line


def _in_force(project: Project, number: int) -> RedTeamRule:
    found = RedTeamRule.objects.in_force().filter(project=project, number=number).first()
    if found is None:
        raise Gone("No rule with this number is in force any more.")
    return found


def _put(project: Project, rule: RedTeamRule, place: int | None) -> None:
    """Number the places of the rules in force anew, with `rule` at `place`."""
    others = [one for one in RedTeamRule.objects.in_force().filter(project=project) if one.pk != rule.pk]
    at = sum(one.place < rule.place for one in others) if place is None else min(max(place, 1), len(others) + 1) - 1
    for number, one in enumerate([*others[:at], rule, *others[at:]], 1):
        if one.place != number:
            one.place = number
            one.save(update_fields=["place"])


@transaction.atomic
def end_rule(*, project: Project, number: int, by: User | None = None) -> None:
    """Nobody is given it any more. Chats under it can be finished.

    Raises:
        Gone: it has ended already.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    rule = _in_force(project, number)
    RedTeamRule.objects.filter(pk=rule.pk).update(ended_at=timezone.now())
    record(actor=by, action="red_team_rule.ended", obj=rule, project_id=project.pk)
