"""What a kind of work says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, Expression, OuterRef

from labeling.models import Membership, Project, Round

if TYPE_CHECKING:
    from accounts.models import User

RANKERS = frozenset(Membership.RANKERS)
EVERYBODY = RANKERS | {Membership.Role.GUEST}


@dataclass(frozen=True)
class TaskType:
    """`ready` annotates memberships (`OuterRef("project")` is theirs) with whether there is something to do;
    where there is not, `why_not` says so. A POST to `begin(project)` begins the next task."""

    title: str
    about: str
    verb: str
    place: int  # on the home page, from 1
    roles: frozenset[str]
    begin: Callable[[Project], str]
    ready: Callable[[User], Expression | Exists]
    why_not: str = ""


def a_round_is_open(user: User) -> Exists:
    return Exists(Round.objects.filter(project=OuterRef("project"), closed_at__isnull=True))
