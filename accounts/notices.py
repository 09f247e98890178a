"""Notices: what a person is told on home, in the bar and by e-mail. Which event tells whom is in `labeling/telling.py`,
the e-mails are in `accounts/mailing.py`.

A notice is written in the transaction of what it tells of, under a key that says what happened, so that it stands
exactly if that stands, and once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Notice, NoticeChoices, NoticeKind, User
from common.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_COUNTED = 20  # unread ones that the bar counts and home lists
SENTENCES: Mapping[str, str] = {
    NoticeKind.RETURNED: gettext_noop("Work of yours in %(subject)s was sent back."),
    NoticeKind.INVITED: gettext_noop("You were added to %(subject)s."),
    NoticeKind.ANSWERED: gettext_noop("A question of yours in %(subject)s was answered."),
    NoticeKind.GUIDELINES: gettext_noop("There are new guidelines in %(subject)s."),
    NoticeKind.GOAL: gettext_noop("You reached the day’s goal in %(subject)s."),
    NoticeKind.EXPORT_FAILED: gettext_noop("An export of %(subject)s failed."),
}


def tell(
    *, users: Iterable[int], kind: NoticeKind, key: str, subject: str, address: str, project_id: UUID | None = None
) -> int:
    """Tell these people, each as they chose; whoever was told of the same before is left out. How many were told."""
    people = User.objects.filter(pk__in=set(users), is_active=True).select_related("notice_choices")
    rows = []
    for person in people.only("email", "notice_choices__not_shown", "notice_choices__not_mailed"):
        chosen = getattr(person, "notice_choices", None) or NoticeChoices()
        shown = kind not in chosen.not_shown
        mailed = settings.MAIL_IS_SET_UP and bool(person.email) and kind not in chosen.not_mailed
        if shown or mailed:
            row = Notice(user=person, kind=kind, key=key, subject=subject[:200], address=address)
            row.project_id, row.shown, row.mailed = project_id, shown, mailed
            rows.append(row)
    return len(Notice.objects.bulk_create(rows, ignore_conflicts=True))


def was_told(*, user_id: int, key: str) -> bool:
    return Notice.objects.filter(user=user_id, key=key).exists()


def untell(*, user_id: int, key: str) -> int:
    """What it told of was taken back: who has not read it, on a page or in an e-mail, need not."""
    return Notice.objects.filter(user=user_id, key=key, read_at=None, mail=None).delete()[0]


def forget_of(*, user: User, project_id: UUID) -> int:
    """The person withdrew from the project."""
    return Notice.objects.filter(user=user, project_id=project_id).delete()[0]


def unread(user: User) -> list[Notice]:
    """Newest first, up to what is counted; one query."""
    return _unread(user)


@compiled
def _unread(user: User) -> QuerySet[Notice]:
    return shown_to(user).filter(read_at=None)[:MOST_COUNTED]


def of(user: User) -> QuerySet[Notice]:
    """On pages or by e-mail."""
    return Notice.objects.filter(user=user)


def shown_to(user: User) -> QuerySet[Notice]:
    return of(user).filter(shown=True).order_by("-id")


def read(*, user: User, pk: int | None = None) -> int:
    """Mark one as read, or all of them."""
    rows = Notice.objects.filter(user=user, read_at=None)
    return (rows if pk is None else rows.filter(pk=pk)).update(read_at=timezone.now())


def choices_of(user: User) -> NoticeChoices:
    """As stored, or as everybody begins: all of it, both ways."""
    return NoticeChoices.objects.filter(user=user).first() or NoticeChoices(user=user)


def choose(*, user: User, shown: Collection[str], mailed: Collection[str]) -> None:
    """Of all kinds, those that the person wants on pages, and those by e-mail. It counts from the next notice on, and
    for e-mails that were not begun."""
    not_shown = [kind for kind in NoticeKind.values if kind not in shown]
    not_mailed = [kind for kind in NoticeKind.values if kind not in mailed]
    NoticeChoices.objects.update_or_create(user=user, defaults={"not_shown": not_shown, "not_mailed": not_mailed})
    Notice.objects.filter(user=user, kind__in=not_mailed, mail=None).update(mailed=False)


def keep_language(*, user: User, language: str) -> None:
    """What the person's e-mails are written in."""
    if language in dict(settings.LANGUAGES) and choices_of(user).language != language:
        NoticeChoices.objects.update_or_create(user=user, defaults={"language": language})
