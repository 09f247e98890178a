"""Which roles a person holds in which projects, as the setting PROJECT_ROLES finds them: this package knows no app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.utils.module_loading import import_string

ProjectsByRole = Mapping[str, set[UUID]]


def projects_by_role(user: AbstractBaseUser | AnonymousUser) -> ProjectsByRole:
    """Live roles, each with its projects; none for whoever is not signed in or shut out."""
    if not (user.is_authenticated and user.is_active):
        return {}
    find: Callable[[AbstractBaseUser | AnonymousUser], ProjectsByRole] = import_string(settings.PROJECT_ROLES)
    return find(user)
