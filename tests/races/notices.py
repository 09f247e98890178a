"""What may be written on a person's notices, and on the e-mail that tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.test import override_settings
from django.utils import timezone

from accounts import mailing, notices
from accounts.models import Notice, NoticeChoices, NoticeMail, User
from labeling.models import Project
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken
from tests.races.runs import facts

KEY = "export failed"


@dataclass
class Work:
    """One thing that rita is told of, and the e-mail that a worker has in hand."""

    project: Project
    rita: User
    mail: NoticeMail | None = None


@contextmanager
def mail_is_set_up() -> Iterator[None]:
    with override_settings(MAIL_IS_SET_UP=True, EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"):
        yield


def told(cast: Cast) -> Work:
    """Some minutes ago, so that it may be mailed."""
    for model in (Notice, NoticeMail, NoticeChoices):
        model._default_manager.all().delete()
    work = Work(cast.project, cast.people["rita"])
    User.objects.filter(pk=work.rita.pk).update(email="rita@example.org")
    tell(work)
    Notice.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    return work


def gathered(cast: Cast) -> Work:
    work = told(cast)
    mailing.gather()
    return work


def claimed(cast: Cast) -> Work:
    work = gathered(cast)
    (work.mail,) = mailing.claim()
    return work


def tell(work: Work) -> int:
    return notices.tell(
        users=[work.rita.pk], kind=Notice.Kind.EXPORT_FAILED, key=KEY, subject="A project", address="/",
        project_id=work.project.pk,
    )  # fmt: skip


def untell(work: Work) -> object:
    return taken(notices.untell(user_id=work.rita.pk, key=KEY))


def read(work: Work) -> object:
    return taken(notices.read(user=work.rita))


def forget(work: Work) -> object:
    return taken(notices.forget_of(user=work.rita, project_id=work.project.pk))


def choose(work: Work, *kinds: str) -> None:
    notices.choose(user=work.rita, shown=kinds, mailed=kinds)


def speaks(work: Work) -> None:
    notices.keep_language(user=work.rita, language="de")


def gather(work: Work) -> object:
    return taken(mailing.gather())


def claim(work: Work) -> object:
    return taken(mailing.claim())


def deliver(work: Work) -> object:
    assert work.mail is not None
    return taken(mailing.deliver(work.mail))


def fails(work: Work) -> int:
    """What a worker stores whose mail server refuses."""
    assert work.mail is not None
    return mailing.settle(work.mail, error="OSError: refused")


def forget_old(work: Work) -> int:
    return mailing.forget_old()


OF_THE_READER = {"read": read, "forget": forget, "untell": untell}
CHOOSING = {"none": choose, "exports": lambda work: choose(work, "export_failed"), "language": speaks}
TELLS = facts(Notice, NoticeMail, NoticeChoices)
SITUATIONS: Sequence[Situation[Work]] = (
    Situation("told", told, {**OF_THE_READER, **CHOOSING, "tell": tell, "gather": gather}, TELLS, mail_is_set_up),
    Situation("mail due", gathered, {**OF_THE_READER, "claim": claim, "gather": gather}, TELLS, mail_is_set_up),
    Situation(
        "mail claimed", claimed, {**OF_THE_READER, "deliver": deliver, "fails": fails, "forget old": forget_old}, TELLS,
        mail_is_set_up,
    ),
)  # fmt: skip
