"""Kinds of harm that a person does not want to meet. Nothing is asked and nothing counts against them: tasks with such
texts go to others (`labeling/offering.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, F, Q

from common.held import forget
from labeling import harms, withdrawal
from labeling.errors import Gone, Invalid
from labeling.models import Dialogue, Membership, Project
from screening import categories
from screening.filters.base import FILTERS
from screening.models import ProjectFilters

if TYPE_CHECKING:
    from accounts.models import User


def offered_to(person: User) -> list[str]:
    """Our own words for kinds of harm, then those of the filters of the person's projects, then what they chose."""
    projects = Project.objects.active().visible_to(person).order_by().values("pk")
    chosen = ProjectFilters.objects.filter(project__in=projects).order_by().values_list("filters", flat=True)
    names = dict.fromkeys(name for filters in chosen for name in filters if name in FILTERS.choices())
    named = [category for name in names for category in FILTERS.load(name).categories]
    return list(dict.fromkeys([*categories.EVERY, *named, *person.opted_out_of]))


@transaction.atomic
def choose(*, person: User, kinds: Iterable[str]) -> None:
    """From now on; what the person holds of these kinds is given back: rankings with their drafts kept, and given
    prompts that they have not begun to answer. What they wrote stays theirs.

    Raises:
        Invalid: a kind that no filter here knows.
    """
    chosen, known = dict.fromkeys(one.strip() for one in kinds if one.strip()), offered_to(person)
    if unknown := [one for one in chosen if one not in known]:
        raise Invalid("Nothing was saved: “%(value)s” is not in the list.", value=unknown[0][:40], field="harms")
    mine = Membership.objects.filter(user=person, ended_at__isnull=True)
    list(mine.order_by("pk").select_for_update().values_list("pk"))  # the first lock of all: no task is given meanwhile
    person.opted_out_of = sorted(chosen)
    person.save(update_fields=["opted_out_of"])
    forget()  # tokens, which hold their person
    if person.opted_out_of:
        harms.give_back(Q(trainer=person, comparison__harms__overlap=person.opted_out_of))
        _give_prompts_back(person)


def _give_prompts_back(person: User) -> None:
    drafts = Dialogue.objects.drafts().filter(
        author=person, given_turns__gt=0, prompt__harms__overlap=person.opted_out_of
    )
    for draft in drafts.annotate(written=Count("turns")).filter(written__lte=F("given_turns"), composer={}):
        try:
            withdrawal.discard(dialogue=draft)
        except Gone:  # submitted in another tab at this moment
            continue
