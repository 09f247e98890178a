"""What a project usually asks its exports for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from common.compiled import compiled
from exports.options import BadOptions, Options
from managing.models import ExportPreset

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.models import Project


def preset_of(project: Project) -> Options:
    """What this project usually asks for; else what every export has unless told otherwise."""
    kept = next(iter(_kept(project)), None)
    try:
        return Options.from_dict(kept.options if kept else None)
    except BadOptions:  # kept by an earlier release, and not understood any more
        return Options.from_dict(None)


@compiled
def _kept(project: Project) -> QuerySet[ExportPreset]:
    """At most one."""
    return ExportPreset.objects.filter(project=project).order_by()


@transaction.atomic
def keep_preset(*, project: Project, options: Options, by: User) -> None:
    """What the form of this project's exports begins with from now on."""
    kept, _ = ExportPreset.objects.update_or_create(project=project, defaults={"options": options.to_dict()})
    record(actor=by, action="export.preset_kept", obj=kept, project_id=project.pk)
