"""What a notice leads to where its subject is not open to the person any more: a sentence. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import Notice, NoticeKind
from labeling.models import Dialogue, Membership, Project, Review
from labeling.projects import role_of
from labeling.quality import reviews

if TYPE_CHECKING:
    from accounts.models import User

ROLES = {
    NoticeKind.RETURNED: Membership.Role.values,
    NoticeKind.INVITED: Membership.Role.values,
    NoticeKind.ANSWERED: Membership.RANKERS,
    NoticeKind.GUIDELINES: Membership.RANKERS,
    NoticeKind.EXPORT_FAILED: (Membership.Role.MANAGER,),
}
"""Who may read what a notice of a project leads to. The day's goal leads to one's own numbers."""
ANSWERS = "/manage/"  # a reviewer's question on a comparison that they hold no task on is read there


def closed(notice: Notice, user: User) -> str:
    """Why its page is not there for this person, or nothing. What became of returned work is said on its own page."""
    kind = NoticeKind(notice.kind)
    if kind not in ROLES or notice.project_id is None:
        return ""
    about = {"subject": notice.subject}
    project = Project.objects.filter(pk=notice.project_id).first()
    if project is None:
        return gettext("The project %(subject)s does not exist any more, so nothing is left to do.") % about
    role = role_of(project, user)
    if role is None:
        return gettext("You do not belong to %(subject)s any more, so nothing of it is left for you to do.") % about
    roles = Membership.REVIEWERS if notice.address.startswith(ANSWERS) and kind == NoticeKind.ANSWERED else ROLES[kind]
    if role not in roles:
        return gettext("Your role in %(subject)s has changed, so this page is not yours to see any more.") % about
    return ""


def settled(notices: Sequence[Notice], user: User) -> set[int]:
    """Those that tell of returned work which does not wait for a new version any more; no query where none is told."""
    told = {one.key.partition(":")[2]: one.pk for one in notices if one.kind == NoticeKind.RETURNED}
    if not told:
        return set()
    waits = Q(ranking__in=reviews.returned_rankings(user).values("pk")) | Q(
        Q(dialogue__superseded_by__isnull=True) | Q(dialogue__superseded_by__state=Dialogue.State.DRAFT),
        dialogue__state=Dialogue.State.RETURNED, dialogue__withdrawn_at__isnull=True,
    )  # fmt: skip
    still = Review.objects.in_force().filter(waits, pk__in=told).order_by().values_list("pk", flat=True)
    return set(told.values()) - {told[str(review)] for review in still}
