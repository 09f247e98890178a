"""Search over what a person may see: projects, people, prompts by their words, dialogues by their id or their words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User
from common.admin import MANAGER, REVIEWERS, is_operator, project_ids, within
from common.translated import dated
from labeling.models import Dialogue, Membership, Project, Prompt, Turn
from labeling.models.prompts import PROMPT_WORDS
from labeling.models.turns import WORDS
from labeling.text import opening

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 200  # characters of a search
MOST = 20  # of each kind
ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){0,3}[0-9a-f]{0,12}", re.IGNORECASE)


@dataclass(frozen=True)
class Hit:
    title: str
    note: str
    address: str


@dataclass(frozen=True)
class Found:
    projects: Sequence[Hit]
    people: Sequence[Hit]
    prompts: Sequence[Hit]
    dialogues: Sequence[Hit]

    @property
    def nothing(self) -> bool:
        return not (self.projects or self.people or self.prompts or self.dialogues)


def search(request: HttpRequest, words: str) -> Found:
    return Found(
        _projects(request, words), _people(request, words), _prompts(request, words), _dialogues(request, words)
    )


def _projects(request: HttpRequest, words: str) -> list[Hit]:
    rows = within(REVIEWERS, request, Project.objects.all(), "pk")
    rows = rows.filter(Q(title__icontains=words) | Q(slug__icontains=words) | Q(description__icontains=words))
    return [
        Hit(row.title, row.description, reverse("managing:project", args=[row.slug]))
        for row in rows.order_by("archived_at", "title")[:MOST]
    ]


def _people(request: HttpRequest, words: str) -> list[Hit]:
    """Members of the projects that the person manages; nobody learns here who else has an account."""
    named = User.objects.all()
    for word in words.split()[:4]:
        named = named.filter(
            Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
            | Q(email__icontains=word)
        )  # fmt: skip
    rows = within(MANAGER, request, Membership.objects.filter(user__in=named), "project")
    rows = rows.select_related("user", "project").order_by("user__username", "project__title")
    return [
        Hit(
            str(row.user),
            gettext("%(role)s of %(project)s") % {"role": row.get_role_display(), "project": row.project.title}
            + (gettext(", has left") if row.ended_at else ""),
            reverse("managing:people", args=[row.project.slug]),
        )
        for row in rows[:MOST]
    ]


def _prompts(request: HttpRequest, words: str) -> list[Hit]:
    """Of the projects that the person manages: its pages of prompts are theirs alone."""
    query = SearchQuery(words, config="simple", search_type="websearch")
    rows = within(MANAGER, request, Prompt.objects.alias(words=PROMPT_WORDS).filter(words=query), "project")
    rows = rows.filter(retired_at__isnull=True).select_related("project").order_by("-created_at")
    return [
        Hit(opening(row.messages)[:160], row.project.title, reverse("managing:prompts", args=[row.project.slug]))
        for row in rows[:MOST]
    ]


def _dialogues(request: HttpRequest, words: str) -> list[Hit]:
    rows = Dialogue.objects.exclude(state=Dialogue.State.DRAFT)
    if not is_operator(request):
        rows = rows.filter(project__in=project_ids(request, REVIEWERS))
    if ID.fullmatch(words):
        first, last = id_range(words)
        rows = rows.filter(pk__gte=first, pk__lte=last)
    else:
        rows = rows.filter(pk__in=_turns_with(words).values("dialogue"))
    openings = Turn.objects.filter(dialogue=OuterRef("pk"), role="user").order_by("position").values("text")[:1]
    rows = rows.select_related("project", "author").annotate(opening=Subquery(openings))
    return [
        Hit(
            (str(getattr(row, "opening", "") or "") or gettext("(no words of a user)"))[:160],
            gettext("%(kind)s by %(author)s, %(project)s, %(day)s")
            % {
                "kind": row.get_kind_display(),
                "author": row.author or gettext("nobody here"),
                "project": row.project.title,
                "day": dated(row.submitted_at or row.created_at, "j M Y"),
            },
            reverse("admin:labeling_dialogue_review", args=[row.pk]),
        )
        for row in rows.order_by("-created_at")[:MOST]
    ]


def _turns_with(words: str) -> QuerySet[Turn]:
    """Turns that hold all the words, by the index over them."""
    query = SearchQuery(words, config="simple", search_type="websearch")
    return Turn.objects.alias(words=WORDS).filter(words=query).order_by()


def id_range(start: str) -> tuple[UUID, UUID]:
    """The first and the last id that begins so."""
    digits = start.replace("-", "").lower()[:32]
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
