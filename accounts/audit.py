"""The audit log: one function that adds a line. Nothing changes or removes lines; a database trigger
(accounts/migrations/0002) refuses UPDATE and DELETE whoever asks.

A line holds ids and names of fields, never text, so that a withdrawal leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.models import AuditEntry, User


def record(
    *,
    actor: User | AnonymousUser | None,
    action: str,
    obj: Model | None = None,
    fields: Iterable[str] = (),
    project_id: UUID | None = None,
    address: str | None = None,
) -> AuditEntry:
    """Add a line in the caller's transaction: it stands exactly if what it tells of stands.

    `action` is a noun and a past participle ("role.changed"); `project_id` is taken from `obj`
    where it has one.
    """
    if project_id is None:
        project_id = getattr(obj, "project_id", None)
    return AuditEntry.objects.create(
        actor=actor if isinstance(actor, User) else None,
        action=action,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        project_id=project_id,
        fields=sorted(fields),
        address=address or None,
    )


def entries_of(obj: Model) -> QuerySet[AuditEntry]:
    """What the log says of a row, newest first."""
    rows = AuditEntry.objects.filter(object_type=obj._meta.label_lower, object_id=str(obj.pk))
    return rows.select_related("actor")


def address_of(request: HttpRequest | None) -> str | None:
    """The client's address as the server reports it; empty on a Unix socket."""
    return (request.META.get("REMOTE_ADDR") or None) if request is not None else None
