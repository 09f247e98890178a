"""What a person has to agree to before they are given the next task of a project: its terms and its content warning,
where it has any, and a new version of its guidelines; a guest, who is shown no guidelines, the notice of what is kept.

Work that is begun can be finished all the same. The guidelines are asked of whoever joined before the version was
published: a newcomer reads the one in force. Of programs they are asked where the project says so, so that those which
know nothing of it work on, and so is the warning; the terms of everybody. Whoever withdrew and was let in again first
says whether what they write counts again. Writes: `labeling/terms.py`, `labeling/content_warnings.py`,
`labeling/projects.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Case, Exists, F, IntegerField, Manager, OuterRef, Q, QuerySet, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from common.compiled import compiled
from common.held import Held
from labeling import kept, terms
from labeling.content_warnings import read_warning
from labeling.errors import Conflict, Invalid, NotAgreed
from labeling.models import (
    Acknowledgement,
    ContentWarning,
    GuidelineVersion,
    KeptAcceptance,
    Membership,
    Project,
    TermsAcceptance,
    TermsVersion,
    WarningRead,
)
from labeling.projects import count_again, current_guidelines

if TYPE_CHECKING:
    from accounts.models import User

RETURN, NOTICE, TERMS, WARNING, GUIDELINES = "return", "notice", "terms", "warning", "guidelines"
EVERY = (RETURN, NOTICE, TERMS, WARNING, GUIDELINES)
FIRST = {
    RETURN: gettext_noop("You withdrew from this project. Say whether what you write counts again, then go on."),
    NOTICE: gettext_noop("Read what is kept of what you write, then go on."),
    TERMS: gettext_noop("This project has terms. Read and accept them, then go on."),
    WARNING: gettext_noop("This project has a content warning. Read what you may meet here, then go on."),
    GUIDELINES: gettext_noop("There is a new version of the guidelines. Read what changed, then go on."),
}
Text = TermsVersion | ContentWarning | GuidelineVersion
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Owed:
    """What the person has to agree to next; `known` is the version that they know, 0 where they know none."""

    what: str
    version: int
    known: int


@dataclass(frozen=True)
class Versions:
    """Numbers of a project's texts and of those that a member knows; 0: none."""

    guidelines: int
    guidelines_known: int
    terms: int
    terms_required: int
    terms_accepted: int
    warning: int = 0
    warning_known: int = 0
    notice_accepted: int = 0
    guest: bool = field(default=False, kw_only=True)
    away: bool = field(default=False, kw_only=True)

    def owed(self, *, guidelines: bool = True) -> Owed | None:
        if self.away:
            return Owed(RETURN, 1, 0)
        if self.guest and self.notice_accepted < kept.NUMBER:
            return Owed(NOTICE, kept.NUMBER, self.notice_accepted)
        if self.terms_accepted < self.terms_required:
            return Owed(TERMS, self.terms, self.terms_accepted)
        if guidelines and self.warning_known < self.warning:
            return Owed(WARNING, self.warning, self.warning_known)
        if guidelines and not self.guest and self.guidelines_known < self.guidelines:
            return Owed(GUIDELINES, self.guidelines, self.guidelines_known)
        return None


def with_versions(memberships: QuerySet[Membership]) -> QuerySet[Membership]:
    """Each with what `versions_of` reads. Guidelines are known that the person acknowledged, wrote, or found when they
    joined; terms are accepted since the last withdrawal."""
    guidelines = _of_project(GuidelineVersion.objects)
    read = Acknowledgement.objects.filter(version=OuterRef("pk"), user=OuterRef(OuterRef("user")))
    known = Q(created_at__lte=OuterRef("created_at")) | Q(created_by=OuterRef("user")) | Exists(read)
    published = _of_project(TermsVersion.objects)
    lately = {"user": OuterRef("user"), "accepted_at__gt": Coalesce(OuterRef("withdrawn_at"), EVER)}
    accepted = TermsAcceptance.objects.filter(version__project=OuterRef("project"), **lately)
    accepted = accepted.order_by("-version__number")
    notices = KeptAcceptance.objects.filter(project=OuterRef("project"), **lately).order_by("-number")
    warnings = ContentWarning.objects.filter(project=OuterRef("project")).order_by("-number")
    in_force = warnings.annotate(asked=Case(When(text="", then=0), default=F("number"), output_field=IntegerField()))
    seen = WarningRead.objects.filter(version__project=OuterRef("project"), user=OuterRef("user"))
    return memberships.annotate(
        warning_newest=in_force.values("asked")[:1],
        warning_known=seen.order_by("-version__number").values("version__number")[:1],
        warning_text=warnings.values("text")[:1],
        guidelines_newest=guidelines[:1],
        guidelines_known=guidelines.filter(known)[:1],
        terms_newest=published[:1],
        terms_required=published.filter(ask_again=True)[:1],
        terms_accepted=accepted.values("version__number")[:1],
        terms_accepted_at=accepted.values("accepted_at")[:1],
        notice_accepted=notices.values("number")[:1],
        notice_accepted_at=notices.values("accepted_at")[:1],
    )


def _of_project(rows: Manager[Any]) -> QuerySet[Any]:
    return rows.filter(project=OuterRef("project")).order_by("-number").values("number")


def versions_of(member: Membership) -> Versions:
    """Of a row of `with_versions`."""
    found = vars(member)
    names = (
        "guidelines_newest", "guidelines_known", "terms_newest", "terms_required", "terms_accepted", "warning_newest",
        "warning_known", "notice_accepted",
    )  # fmt: skip
    return Versions(
        *(int(found[name] or 0) for name in names), guest=member.role == Membership.Role.GUEST, away=member.is_away
    )


def versions_of_text(project: Project, what: str) -> QuerySet[Text]:
    """All versions of that text of the project."""
    if what == TERMS:
        return project.terms.all()
    return project.warnings.all() if what == WARNING else project.guidelines.all()


def owed(project: Project, person: User) -> Owed | None:
    """Read anew; None for whoever is not a member."""
    return _owed(project.pk, person.pk)


def _owed(project_id: UUID, person_id: int, *, guidelines: bool = True) -> Owed | None:
    member = next(iter(_membership(project_id, person_id)), None)
    return versions_of(member).owed(guidelines=guidelines) if member else None


@compiled
def _membership(project_id: UUID, person_id: int) -> QuerySet[Membership]:
    """At most one."""
    live = Membership.objects.filter(project=project_id, user=person_id, ended_at__isnull=True)
    return with_versions(live).order_by()


def check(*, project: Project, person: User, by_program: bool = False) -> None:
    """Before a task is given. That nothing is owed is held for a second, so that it is not asked at every task.

    Raises:
        NotAgreed: something is to be read and agreed to first.
    """
    guidelines = project.programs_acknowledge or not by_program
    if _nothing_owed.get((project.pk, person.pk, guidelines)):
        return
    if (found := _owed(project.pk, person.pk, guidelines=guidelines)) is not None:
        raise NotAgreed(FIRST[found.what], what=found.what, version=found.version)


def require_back(project: Project, person: User) -> None:
    """Of work for which nothing else is agreed to.

    Raises:
        NotAgreed: the person withdrew, and has not said that what they write counts again.
    """
    if Membership.objects.filter(project=project, user=person, withdrawn_at__isnull=False, returned_at=None).exists():
        raise NotAgreed(FIRST[RETURN], what=RETURN, version=1)


def agree(*, project: Project, person: User, what: str, number: int) -> None:
    """To the version in force of the notice, the terms, the content warning or the guidelines; or to count again.

    Raises: as `acknowledge`, `terms.accept_notice`, `terms.accept_terms`, `content_warnings.read_warning` and
        `projects.count_again`.
    """
    if what == RETURN:
        count_again(project=project, user=person)
    elif what == NOTICE:
        terms.accept_notice(project=project, person=person, number=number)
    elif what == TERMS:
        terms.accept_terms(project=project, person=person, number=number)
    elif what == WARNING:
        read_warning(project=project, person=person, number=number)
    else:
        acknowledge(project=project, person=person, number=number)


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


def _read(key: tuple[UUID, int, bool]) -> bool | None:
    project_id, person_id, guidelines = key
    return None if _owed(project_id, person_id, guidelines=guidelines) else True


_nothing_owed = Held(_read)
