"""What the page of what is kept shows of a guest's own. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Left

from labeling.models import Dialogue, KeptAcceptance, Project, Turn

if TYPE_CHECKING:
    from accounts.models import User

SHOWN = 200
OPENING = 120  # characters


@dataclass(frozen=True)
class Chat:
    pk: UUID
    title: str
    turns: int
    at: datetime


def accepted(project: Project, user: User) -> KeptAcceptance | None:
    return KeptAcceptance.objects.filter(project=project, user=user).order_by("-number").first()


def chats_of(project: Project, guest: User) -> list[Chat]:
    """Newest first. Of those that were discarded no text is kept."""
    return _shown(Dialogue.objects.filter(project=project, author=guest).order_by("-saved_at")[:SHOWN])


def chat_of(dialogue: Dialogue) -> Chat:
    return _shown(Dialogue.objects.filter(pk=dialogue.pk))[0]


def _shown(rows: QuerySet[Dialogue]) -> list[Chat]:
    asked = Turn.objects.filter(dialogue=OuterRef("pk"), role=Turn.Role.USER).order_by("position")
    written = (
        Dialogue.objects.filter(pk__in=rows.values("pk"), withdrawn_at__isnull=True, undone_at__isnull=True)
        .annotate(n=Count("turns"), title=Subquery(asked.values(start=Left("text", OPENING))[:1]))
        .filter(n__gt=0)
        .order_by("-saved_at")
        .values_list("pk", "title", "n", "saved_at")
    )
    return [Chat(pk, title or "", n, at) for pk, title, n, at in written]
