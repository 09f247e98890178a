"""Writes on the content warning of a project: published by its manager, read by everybody before their first task.

Where it is asked for: `labeling/agreements.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from common.held import forget
from labeling.errors import Conflict, Invalid
from labeling.models import ContentWarning, Project, WarningRead

if TYPE_CHECKING:
    from accounts.models import User


def current_warning(project: Project) -> ContentWarning | None:
    return ContentWarning.objects.filter(project=project).order_by("-number").first()


@transaction.atomic
def publish_warning(*, project: Project, text: str, note: str = "", by: User | None = None) -> ContentWarning:
    """Make `text` the warning in force, or the current one where nothing changed; without text there is none any more.

    Raises:
        Invalid: the text is empty, and there is none that it would take back.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    current = current_warning(project)
    text = text.replace("\r\n", "\n")
    text = text if text.strip() else ""
    if current and current.text == text:
        return current
    if current is None and not text:
        raise Invalid("Write what people may meet here.")
    forget()  # that somebody has read the newest
    number = current.number + 1 if current else 1
    return ContentWarning.objects.create(project=project, number=number, text=text, note=note, created_by=by)


def read_warning(*, project: Project, person: User, number: int) -> WarningRead:
    """The person has read that version; a second time changes nothing.

    Raises:
        Invalid: the project has no warning. Conflict: the version in force is another one.
    """
    current = current_warning(project)
    if current is None or not current.text:
        raise Invalid("This project has no content warning.")
    if current.number != number:
        raise Conflict("The content warning has changed since. Read the newest version.", version=current.number)
    made, _ = WarningRead.objects.get_or_create(version=current, user=person)
    return made
