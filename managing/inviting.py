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
from django.utils.translation import gettext

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
    again: list[str] = field(default_factory=list)  # addresses whose earlier link ended by it
    refused: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        found = []
        if self.joined:
            found.append(gettext("%(joined)s joined the project.") % {"joined": _named(self.joined)})
        if self.mailed:
            found.append(gettext("%(mailed)s were sent a link.") % {"mailed": _people(len(self.mailed))})
        if self.again:
            found.append(
                gettext("Invited again: %(addresses)s. The earlier link lets nobody in any more.")
                % {"addresses": _named(self.again)}
            )
        return found


def _people(count: int) -> str:
    return gettext("One person") if count == 1 else gettext("%(count)s people") % {"count": count}


def _named(names: Sequence[str]) -> str:
    if len(names) < 6:
        return ", ".join(names)
    return gettext("%(names)s and %(count)s more") % {"names": ", ".join(names[:5]), "count": len(names) - 5}


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
            done.refused.append(
                gettext("Nobody of your projects is called %(person)s: write their e-mail address instead.")
                % {"person": person}
            )
    if shared:
        _, token = invitations.invite(project=project, role=role, by=user_of(request), places=shared)
        done.links.append(
            (
                gettext("for %(count)s people") % {"count": shared} if shared > 1 else gettext("for one person"),
                _link(request, token),
            )
        )
    return done


def _join(request: HttpRequest, project: Project, user: User, role: str, done: Invited) -> None:
    if projects.role_of(project, user) is None:
        projects.set_membership(project=project, user=user, role=role, by=user_of(request))
        done.joined.append(str(user))
    else:
        done.refused.append(gettext("%(user)s is a member already.") % {"user": user})


def _send(request: HttpRequest, project: Project, address: str, role: str, done: Invited) -> None:
    if Invitation.objects.open().sent_to(project, address).exists():
        done.again.append(address)
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
        done.refused.append(
            gettext("The mail to %(email)s could not be sent: hand the link over yourself.")
            % {"email": invitation.email}
        )
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
