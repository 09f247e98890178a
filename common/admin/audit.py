"""The audit log as the admin site uses it, through the functions that settings name: this package knows no app."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string


def record(request: HttpRequest, action: str, obj: Model, fields: Sequence[str] = ()) -> None:
    """Write an audit entry; `settings.AUDIT_RECORD` names the function."""
    import_string(settings.AUDIT_RECORD)(actor=request.user, action=action, obj=obj, fields=list(fields))


def entries_of(obj: Model) -> QuerySet[Model]:
    """The audit entries of a row, newest first; `settings.AUDIT_ENTRIES` names the function."""
    find: Callable[[Model], QuerySet[Model]] = import_string(settings.AUDIT_ENTRIES)
    return find(obj)


def changed_fields(message: object) -> list[str]:
    """Names of changed fields out of Django's change message (which, for inlines, also carries text)."""
    if not isinstance(message, list):
        return []
    names: list[str] = []
    for part in message:
        for change in part.values() if isinstance(part, dict) else ():
            names.extend(str(name) for name in change.get("fields", ()))
    return names
