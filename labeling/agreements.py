"""What a person has to agree to before they are given the next task of a project: a new version of its guidelines.

Work that is begun can be finished all the same. Asked is whoever joined before the version was published: a newcomer
reads the one in force. Programs are asked where the project says so, so that those which know nothing of it work on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from common.held import Held
from labeling.errors import Conflict, Invalid, NotAgreed
from labeling.models import Acknowledgement, GuidelineVersion, Membership, Project
from labeling.projects import current_guidelines

if TYPE_CHECKING:
    from accounts.models import User

GUIDELINES = "guidelines"


@dataclass(frozen=True)
class Owed:
    """What the person has to agree to next; `known` is the version that they know, 0 where they know none."""

    what: str
    version: int
    known: int


def with_versions(memberships: QuerySet[Membership]) -> QuerySet[Membership]:
    """Each with `guidelines_newest`, the number in force, and `guidelines_known`: the newest that the person
    acknowledged, wrote, or found when they joined."""
    versions = GuidelineVersion.objects.filter(project=OuterRef("project")).order_by("-number").values("number")
    read = Acknowledgement.objects.filter(version=OuterRef("pk"), user=OuterRef(OuterRef("user")))
    known = Q(created_at__lte=OuterRef("created_at")) | Q(created_by=OuterRef("user")) | Exists(read)
    return memberships.annotate(guidelines_newest=versions[:1], guidelines_known=versions.filter(known)[:1])


def newest(member: Membership) -> int:
    """Of a row of `with_versions`: the version in force, 0 where there is none."""
    return _number(member, "guidelines_newest")


def is_behind(member: Membership) -> bool:
    """Of a row of `with_versions`: whether there is a newer version than the person knows."""
    return newest(member) > _number(member, "guidelines_known")


def owed(project: Project, person: User) -> Owed | None:
    """Read anew; None for whoever is not a member."""
    return _owed(project.pk, person.pk)


def _owed(project_id: UUID, person_id: int) -> Owed | None:
    members = Membership.objects.filter(project=project_id, user=person_id, ended_at__isnull=True)
    member = with_versions(members).first()
    if member is None or not is_behind(member):
        return None
    return Owed(GUIDELINES, newest(member), _number(member, "guidelines_known"))


def check(*, project: Project, person: User, by_program: bool = False) -> None:
    """Before a task is given. That nothing is owed is held for a second, so that it is not asked at every task.

    Raises:
        NotAgreed: something is to be read and agreed to first.
    """
    if by_program and not project.programs_acknowledge:
        return
    if _nothing_owed.get((person.pk, project.pk)):
        return
    if (found := owed(project, person)) is not None:
        raise NotAgreed(
            "There is a new version of the guidelines. Read what changed, then go on.",
            what=found.what,
            version=found.version,
        )


def acknowledge(*, project: Project, person: User, number: int) -> Acknowledgement:
    """The person has read that version; a second time changes nothing.

    Raises:
        Invalid: the project has no guidelines. Conflict: the version in force is another one.
    """
    current = current_guidelines(project)
    if current is None:
        raise Invalid("This project has no guidelines.")
    if current.number != number:
        raise Conflict("The guidelines have changed again since. Read the newest version.", version=current.number)
    made, _ = Acknowledgement.objects.get_or_create(version=current, user=person)
    return made


def _number(member: Membership, name: str) -> int:
    return int(getattr(member, name) or 0)


def _read(key: tuple[int, UUID]) -> bool | None:
    user_id, project_id = key
    return None if _owed(project_id, user_id) else True


_nothing_owed = Held(_read)
