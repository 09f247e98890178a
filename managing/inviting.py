"""Many people at once: those known here become members, addresses get a link of their own, one link serves several.

Links are shown once, on the page that comes next: until then they wait in the cache, never in the database, which
keeps only their digests.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from accounts.requests import user_of
from common.admin import MANAGER, is_operator, project_ids
from labeling import invitations, projects
from labeling.models import Invitation

if TYPE_CHECKING:
    from labeling.models import Project

log = logging.getLogger(__name__)
SHOWN_WITHIN = 600  # seconds in which the next page has to be loaded


@dataclass
class Invited:
    """What came of a list of people."""

    joined: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # whom it is for, and the link
    mailed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        found = []
        if self.joined:
            found.append(f"{_named(self.joined)} joined the project.")
        if self.mailed:
            found.append(f"{_people(len(self.mailed))} were sent a link.")
        return found


def _people(count: int) -> str:
    return "One person" if count == 1 else f"{count} people"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) < 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"


def known_people(request: HttpRequest) -> QuerySet[User]:
    """Whom this manager may name: people of her projects. Nobody learns here who else has an account."""
    people = User.objects.filter(is_active=True)
    if is_operator(request):
        return people
    mine = Q(memberships__project__in=project_ids(request, MANAGER), memberships__ended_at__isnull=True)
    return people.filter(mine | Q(pk=user_of(request).pk)).distinct()


def invite(request: HttpRequest, project: Project, people: Sequence[str], role: str, *, shared: int = 0) -> Invited:
    """Make members of those who are known, links for the addresses, and one link for `shared` people."""
    done = Invited()
    known: dict[str, User] = {}
    for user in known_people(request).filter(Q(username__in=people) | Q(email__in=[p for p in people if "@" in p])):
        known[user.username] = user
        if user.email:
            known[user.email] = user
    for person in people:
        if person in known:
            _join(request, project, known[person], role, done)
        elif "@" in person:
            _send(request, project, person, role, done)
        else:
            done.refused.append(f"Nobody of your projects is called {person}: write their e-mail address instead.")
    if shared:
        _, token = invitations.invite(project=project, role=role, by=user_of(request), places=shared)
        done.links.append((f"for {shared} people" if shared > 1 else "for one person", _link(request, token)))
    return done


def _join(request: HttpRequest, project: Project, user: User, role: str, done: Invited) -> None:
    if projects.role_of(project, user) is None:
        projects.set_membership(project=project, user=user, role=role, by=user_of(request))
        done.joined.append(str(user))
    else:
        done.refused.append(f"{user} is a member already.")


def _send(request: HttpRequest, project: Project, address: str, role: str, done: Invited) -> None:
    made, token = invitations.invite(project=project, role=role, by=user_of(request), email=address)
    link = _link(request, token)
    done.links.append((address, link))
    if settings.MAIL_IS_SET_UP:
        _mail(made, link, done)


def _mail(invitation: Invitation, link: str, done: Invited) -> None:
    try:
        invitations.mail(invitation=invitation, link=link)
    except OSError:
        log.warning("an invitation could not be mailed", exc_info=True)
        done.refused.append(f"The mail to {invitation.email} could not be sent: hand the link over yourself.")
    else:
        done.mailed.append(invitation.email)


def _link(request: HttpRequest, token: str) -> str:
    return request.build_absolute_uri(reverse("invitation", args=[token]))


def keep(request: HttpRequest, project: Project, done: Invited) -> None:
    """For the page that comes next."""
    if done.links:
        cache.set(_key(request, project), done.links, SHOWN_WITHIN)


def take(request: HttpRequest, project: Project) -> list[tuple[str, str]]:
    """The links that were made a moment ago, which are not shown again."""
    links: list[tuple[str, str]] = cache.get(_key(request, project)) or []
    if links:
        cache.delete(_key(request, project))
    return links


def _key(request: HttpRequest, project: Project) -> str:
    return f"links:{user_of(request).pk}:{project.pk}"
