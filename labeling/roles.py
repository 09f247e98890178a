"""A person's roles over all projects, for the admin site and the API's permissions (settings.PROJECT_ROLES)."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User
from labeling.models import Membership


def projects_by_role(user: User) -> dict[str, set[UUID]]:
    """The person's live roles, each with its projects."""
    found: dict[str, set[UUID]] = {}
    rows = Membership.objects.filter(user=user, ended_at__isnull=True).order_by().values_list("role", "project_id")
    for role, project_id in rows:
        found.setdefault(role, set()).add(project_id)
    return found
