"""Practice items that a trainer has done, each with the order that was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext

from common.compiled import compiled
from labeling.models import Project, Ranking
from labeling.pages.letters import letters_of, spelled
from labeling.quality import exams

if TYPE_CHECKING:
    from accounts.models import User
    from common.shapes import Message

SHOWN = 50


@dataclass(frozen=True)
class Row:
    number: str
    prompt: list[Message]
    explanation: str
    right: int
    asked: int
    own: str
    known: str
    texts: list[tuple[str, str, bool]]


def rows(project: Project, user: User) -> list[Row]:
    """Newest first."""
    return [_row(number, ranking) for number, ranking in enumerate(_newest(project, user), start=1)]


@compiled
def _newest(project: Project, user: User) -> QuerySet[Ranking]:
    return exams.practised(project, user)[:SHOWN]


def _row(number: int, ranking: Ranking) -> Row:
    known = ranking.comparison.known_groups or []
    letters, texts = letters_of(ranking.order_shown), ranking.comparison.texts
    right, asked = exams.known_points(ranking.groups, known)
    return Row(
        number=str(number),
        prompt=ranking.comparison.prompt,
        explanation=ranking.comparison.explanation,
        right=right,
        asked=asked,
        own=spelled(ranking.groups, letters, between=gettext(", then ")),
        known=spelled(known, letters, between=gettext(", then ")),
        texts=[(letters[cid], texts[cid], cid in ranking.comparison.cut) for cid in ranking.order_shown],
    )
