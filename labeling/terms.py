"""Writes on the terms of a project: published by its manager, accepted by everybody who works there; and on the notice
of what is kept, whose sentences stand in `labeling/kept.py`, accepted by guests.

Where they are asked for: `labeling/agreements.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from common.held import forget
from labeling import kept
from labeling.errors import Conflict, Invalid
from labeling.models import KeptAcceptance, Membership, Project, TermsAcceptance, TermsVersion

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User


def current_terms(project: Project) -> TermsVersion | None:
    return TermsVersion.objects.filter(project=project).order_by("-number").first()


@transaction.atomic
def publish_terms(
    *, project: Project, text: str, note: str = "", ask_again: bool = True, by: User | None = None
) -> TermsVersion:
    """Make `text` the terms in force: the next version, or the current one where nothing changed. Without `ask_again`,
    whoever accepted an earlier version is not asked for this one.

    Raises:
        Invalid: the text is empty.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    current = current_terms(project)
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise Invalid("Write what people agree to.")
    if current and current.text == text:
        return current
    forget()  # that somebody accepted the newest
    return TermsVersion.objects.create(
        project=project,
        number=current.number + 1 if current else 1,
        text=text,
        note=note,
        ask_again=ask_again or current is None,
        created_by=by,
    )


@transaction.atomic
def accept_terms(*, project: Project, person: User, number: int) -> TermsAcceptance:
    """The person accepts that version; a second time changes nothing, but after a withdrawal it is accepted anew.

    Raises:
        Invalid: the project has no terms. Conflict: the version in force is another one.
    """
    current = current_terms(project)
    if current is None:
        raise Invalid("This project has no terms.")
    if current.number != number:
        raise Conflict("The terms have changed since. Read the newest version.", version=current.number)
    now = timezone.now()
    made, new = TermsAcceptance.objects.get_or_create(version=current, user=person, defaults={"accepted_at": now})
    if not new:
        _accept_anew(made, project, person, now)
    return made


@transaction.atomic
def accept_notice(*, project: Project, person: User, number: int) -> KeptAcceptance:
    """The guest has read what is kept; as `accept_terms`.

    Raises:
        Conflict: the notice in force is another version.
    """
    if number != kept.NUMBER:
        raise Conflict("The notice has changed since. Read the newest version.", version=kept.NUMBER)
    now = timezone.now()
    made, new = KeptAcceptance.objects.get_or_create(
        project=project, user=person, number=kept.NUMBER, defaults={"accepted_at": now}
    )
    if not new:
        _accept_anew(made, project, person, now)
    return made


def _accept_anew(made: TermsAcceptance | KeptAcceptance, project: Project, person: User, now: datetime) -> None:
    """What was accepted before a withdrawal counts no more."""
    if Membership.objects.filter(project=project, user=person, withdrawn_at__gte=made.accepted_at).exists():
        made.accepted_at = now
        made.save(update_fields=["accepted_at"])
