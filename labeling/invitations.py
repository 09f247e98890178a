"""Writes on invitations: made by a manager, used by as many as they say (one), within days."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.audit import record
from labeling.errors import Gone, Invalid
from labeling.models import Invitation, Membership, Project
from labeling.projects import lock_members, role_of, set_membership

if TYPE_CHECKING:
    from accounts.models import User

VALID = timedelta(days=7)
MOST_PLACES = 500
OPEN_ROLES = (Membership.Role.GUEST, Membership.Role.TRAINER)  # a link that goes around gives no say over others
RANK = {role: rank for rank, role in enumerate(Membership.Role.values)}  # guest is the least
ENDED = gettext_noop("This invitation was used, withdrawn, or is out of date. Ask for a new one.")


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def invite(
    *, project: Project, role: str, by: User | None, email: str = "", places: int = 1, valid: timedelta = VALID
) -> tuple[Invitation, str]:
    """Make an invitation; returns it with the token of its link, which cannot be read again.

    The open invitations of the same address to this project end: an address has one link that works.

    Raises:
        Invalid: there is no such role, or not from 1 to 500 places, or more than one for a single address.
    """
    if role not in Membership.Role.values:
        raise Invalid(
            "%(role)s is not a role; it takes %(choices)s.", role=repr(role), choices=", ".join(Membership.Role.values)
        )
    if not 1 <= places <= (1 if email else MOST_PLACES):
        raise Invalid(
            "A link is for 1 to %(most)s people, and one that is sent to an address for one.", most=MOST_PLACES
        )
    if places > 1 and role not in OPEN_ROLES:
        raise Invalid("A link for several people makes guests or trainers; invite reviewers and managers one by one.")
    if email:
        lock_members(project)  # of two at once, the second finds the first
        for earlier in Invitation.objects.open().sent_to(project, email):
            revoke(invitation=earlier, by=by)
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        email=email,
        places=places,
        digest=digest(token),
        created_by=by,
        expires_at=timezone.now() + valid,
    )
    record(actor=by, action="invitation.created", obj=invitation, fields=["role"])
    return invitation, token


def mail(*, invitation: Invitation, link: str) -> None:
    """Send the link to the invitation's address. Raises OSError where the mail server refuses."""
    often = "once" if invitation.places == 1 else f"for {invitation.places} people"
    send_mail(
        f"Invitation to {invitation.project.title}",
        f"You are invited to {invitation.project.title} as {invitation.role}.\n\n{link}\n\n"
        f"The link works {often}, until {invitation.expires_at:%d %B %Y}.\n",
        settings.DEFAULT_FROM_EMAIL,
        [invitation.email],
    )


def find(token: str) -> Invitation | None:
    """The open invitation of this token."""
    return Invitation.objects.open().select_related("project").filter(digest=digest(token)).first()


@transaction.atomic
def accept(*, invitation: Invitation, user: User) -> Membership:
    """Make `user` a member; a role that is already higher stays.

    Raises:
        Gone: somebody used it before, or it ended.
    """
    project = invitation.project
    lock_members(project)
    locked = Invitation.objects.open().select_for_update(of=("self",)).filter(pk=invitation.pk).first()
    if locked is None:
        raise Gone(ENDED)
    held = role_of(project, user)
    role = locked.role if held is None or RANK[held] < RANK[locked.role] else held
    membership = set_membership(project=project, user=user, role=role, by=locked.created_by, tell=False)
    if locked.places > 1 and held == role:
        return membership  # a member who follows the shared link once more takes nobody's place
    full = locked.uses + 1 >= locked.places
    Invitation.objects.filter(pk=locked.pk).update(
        uses=locked.uses + 1, used_at=timezone.now() if full else None, used_by=user
    )
    record(actor=user, action="invitation.used", obj=locked)
    return membership


def revoke(*, invitation: Invitation, by: User | None) -> bool:
    """Withdraw an invitation that nobody used; False where it had ended."""
    ended = Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now())
    if ended:
        record(actor=by, action="invitation.revoked", obj=invitation)
    return bool(ended)
