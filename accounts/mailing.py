"""E-mails of notices: gathered, claimed, sent, tried again. At most one an hour for each person.

The row is the work. What a person has not read becomes one mail in one transaction (`gather`); the mail is claimed for
a minute, sent outside of any transaction, and moved on by a filtered update. A worker that dies between sending and
that update leaves the claim to run out: the mail may then go out twice, with the same Message-ID, by which mail
programs drop the second; none is lost.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext

from accounts.models import Notice, NoticeMail, User
from accounts.notices import SENTENCES
from common.transitions import advance

logger = logging.getLogger(__name__)

APART = timedelta(hours=1)  # two mails to one person
GATHERED = timedelta(minutes=2)  # so that what happens at once is one mail, and who is on the page needs none
CLAIM = timedelta(seconds=60)
BATCH = 50
MOST_ATTEMPTS = 12  # over about a day
LONGEST_WAIT = timedelta(hours=4)
KEPT = timedelta(days=90)
MOST_LINES = 20


def mail_due() -> int:
    """Gather what is to be told, and send what is due; how many mails went out. Nothing without EMAIL_URL."""
    if not settings.MAIL_IS_SET_UP:
        return 0
    gather()
    return sum(deliver(mail) for mail in claim())


def gather() -> int:
    """A mail for each person who has something to be told and got none within the hour."""
    now = timezone.now()
    waiting = Notice.objects.filter(mailed=True, mail=None, read_at=None)
    lately = NoticeMail.objects.filter(user=OuterRef("user")).filter(
        Q(state=NoticeMail.State.PENDING) | Q(created_at__gt=now - APART)
    )
    people = waiting.filter(~Exists(lately)).order_by().values_list("user").annotate(oldest=Min("created_at"))
    due = people.filter(oldest__lte=now - GATHERED).order_by("oldest")[:BATCH]
    return sum(_gather_for(pk, now) for pk, _ in due)


@transaction.atomic
def _gather_for(user_id: int, now: datetime) -> bool:
    """Under the person's lock, so that two workers make one mail."""
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    if NoticeMail.objects.filter(user=user_id, created_at__gt=now - APART).exists():
        return False
    waiting = Notice.objects.filter(user=user_id, mailed=True, mail=None, read_at=None).order_by("pk")
    locked = list(waiting.select_for_update(of=("self",)).values_list("pk", flat=True))  # read meanwhile: no mail
    if not locked:
        return False
    mail = NoticeMail.objects.create(user_id=user_id, created_at=now)
    Notice.objects.filter(pk__in=locked).update(mail=mail)
    return True


@transaction.atomic
def claim() -> list[NoticeMail]:
    now = timezone.now()
    due = NoticeMail.objects.filter(state=NoticeMail.State.PENDING, next_try_at__lte=now)
    rows = list(
        due.filter(Q(claimed_until=None) | Q(claimed_until__lt=now))
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("user__notice_choices")
        .order_by("next_try_at")[:BATCH]
    )
    NoticeMail.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_until=now + CLAIM)
    for row in rows:
        row.claimed_until = now + CLAIM
    return rows


def deliver(mail: NoticeMail) -> int:
    """Send a mail of this worker's, while it still is; one whose notices were all read meanwhile is dropped."""
    if mail.claimed_until is None or mail.claimed_until < timezone.now():
        return 0
    notices = list(mail.notices.filter(read_at=None).order_by("id"))
    if not notices:
        NoticeMail.objects.filter(pk=mail.pk, claimed_until=mail.claimed_until).delete()
        return 0
    return settle(mail, error=send(mail, notices))


def send(mail: NoticeMail, notices: list[Notice]) -> str:
    """Why it did not go out, or nothing."""
    if not mail.user.is_active or not mail.user.email:
        return "Nobody reads mail there."
    chosen = getattr(mail.user, "notice_choices", None)
    with translation.override((chosen and chosen.language) or settings.LANGUAGE_CODE):
        subject, body = words_of(notices)
    headers = {"Message-ID": f"<notices-{mail.pk}@{_domain()}>", "Auto-Submitted": "auto-generated"}
    message = EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [mail.user.email], headers=headers)
    try:
        message.send()
    except (OSError, ValueError) as failed:  # smtplib's errors are OSErrors; ValueError: an address with a line end
        return f"{type(failed).__name__}: {failed}"
    return ""


def words_of(notices: list[Notice]) -> tuple[str, str]:
    """Subject and text, in the language in force."""
    said = [gettext(SENTENCES[one.kind]) % {"subject": one.subject} for one in notices]
    count = len(notices)
    subject = said[0] if count == 1 else ngettext("%(n)s notice", "%(n)s notices", count) % {"n": count}
    lines = [_line(words, one) for words, one in zip(said, notices[:MOST_LINES], strict=False)]
    if more := count - len(lines):
        lines.append(ngettext("And %(n)s more.", "And %(n)s more.", more) % {"n": more})
    why = gettext("You get at most one of these e-mails an hour. Choose on the page “Notices” what you are told.")
    return " ".join(subject.split()), "\n\n".join([*lines, why]) + "\n"


def _line(words: str, notice: Notice) -> str:
    """With a link to the notice, not to its subject: that may be closed to the person by the time that they read it."""
    address = reverse("notice-open", args=[notice.pk])
    return f"{words}\n{urljoin(settings.PUBLIC_URL, address)}" if settings.PUBLIC_URL else words


def _domain() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or "duologue.invalid"


def settle(mail: NoticeMail, *, error: str) -> int:
    """Store what came of a try; 1 if it went out. Does nothing if the claim is no longer ours."""
    mine = NoticeMail.objects.filter(pk=mail.pk, claimed_until=mail.claimed_until)
    tries, now = mail.attempts + 1, timezone.now()
    columns = {"attempts": tries, "claimed_until": None, "last_error": error[:300]}
    if not error:
        return advance(mine, to=NoticeMail.State.SENT, table=NoticeMail.TRANSITIONS, sent_at=now, **columns)
    logger.warning("notices by mail %s: try %s: %s", mail.pk, tries, error)
    if tries >= MOST_ATTEMPTS:
        advance(mine, to=NoticeMail.State.FAILED, table=NoticeMail.TRANSITIONS, **columns)
    else:
        wait = min(timedelta(minutes=2 ** min(tries, 8)), LONGEST_WAIT)
        mine.filter(state=NoticeMail.State.PENDING).update(next_try_at=now + wait, **columns)
    return 0


def forget_old() -> int:
    """Remove read notices, and the log of mails, after three months."""
    before = timezone.now() - KEPT
    gone = Notice.objects.filter(read_at__lt=before).delete()[0]
    ended = NoticeMail.objects.exclude(state=NoticeMail.State.PENDING)
    return gone + ended.filter(created_at__lt=before).delete()[0]
