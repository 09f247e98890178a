"""A person's roles: over all projects, for the admin site and the API's permissions (settings.PROJECT_ROLES), and in
one project."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import User
from common.compiled import compiled
from common.held import Held
from labeling.models import Membership, Project


def projects_by_role(user: User) -> dict[str, set[UUID]]:
    """The person's live roles, each with its projects."""
    found: dict[str, set[UUID]] = {}
    for role, project_id in _live(user):
        found.setdefault(role, set()).add(project_id)
    return found


@compiled
def _live(user: User) -> QuerySet[Membership, tuple[str, UUID]]:
    return Membership.objects.filter(user=user, ended_at__isnull=True).order_by().values_list("role", "project_id")


@dataclass(frozen=True)
class Standing:
    """A project as one of its members sees it."""

    project: Project
    role: str


def _read(key: tuple[int, str]) -> Standing | None:
    user_id, slug = key
    live = Membership.objects.filter(user=user_id, project__slug=slug, ended_at__isnull=True)
    member = live.select_related("project").order_by().first()
    return Standing(member.project, member.role) if member else None


_held = Held(_read)


def standing_of(user: User, slug: str) -> Standing | None:
    """The project of that slug and the person's role in it, as they were at most a second ago; None for strangers."""
    return _held.get((user.pk, slug))


def role_in(user: User, project_ref: str) -> Subquery:
    """The person's live role in the project of a row, to annotate it with."""
    live = Membership.objects.filter(project=OuterRef(project_ref), user=user, ended_at__isnull=True)
    return Subquery(live.order_by().values("role")[:1])


def is_guests(row: object) -> bool:
    """Of a row annotated with `role=role_in(…)`."""
    return vars(row).get("role") == Membership.Role.GUEST
