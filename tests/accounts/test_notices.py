"""Notices: told once and as chosen, read on pages, sent as one e-mail an hour; nothing is lost or doubled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import mailing, notices, tasks
from accounts.models import Notice, NoticeChoices, NoticeKind, NoticeMail, User
from tests import makers

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(hours=3)


@pytest.fixture
def mailed(settings: Settings) -> None:
    settings.MAIL_IS_SET_UP = True
    settings.PUBLIC_URL = "https://label.example.org"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def tell(*users: User, kind: NoticeKind = NoticeKind.ANSWERED, key: str = "one", ago: timedelta = LONG_AGO) -> None:
    address = "/projects/demo/questions/"
    notices.tell(users=[user.pk for user in users], kind=kind, key=key, subject="Poems", address=address)
    Notice.objects.filter(key=key).update(created_at=timezone.now() - ago)


def hour_later() -> None:
    NoticeMail.objects.update(created_at=timezone.now() - timedelta(minutes=61))


def test_everybody_is_told_once_of_the_same_and_not_of_what_they_turned_off(stranger: User, operator: User) -> None:
    notices.choose(user=operator, shown=["goal"], mailed=[])
    for _ in range(2):
        tell(stranger, operator)
    assert [one.user for one in Notice.objects.all()] == [stranger]
    tell(operator, kind=NoticeKind.GOAL, key="two")
    assert [one.kind for one in notices.unread(operator)] == ["goal"]
    notices.choose(user=operator, shown=[], mailed=["goal"])
    tell(operator, kind=NoticeKind.GOAL, key="three")
    assert not Notice.objects.filter(key="three").exists(), "by e-mail only, and this site sends none"


def test_without_email_url_nothing_is_mailed_then_or_later(stranger: User, settings: Settings) -> None:
    tell(stranger)
    assert tasks.mail_notices() == 0
    settings.MAIL_IS_SET_UP = True
    assert tasks.mail_notices() == 0
    assert not NoticeMail.objects.exists()


@pytest.mark.usefixtures("mailed")
def test_what_happened_at_once_is_one_mail_in_the_persons_language_and_the_next_comes_an_hour_later(
    stranger: User, operator: User
) -> None:
    notices.keep_language(user=stranger, language="de")
    tell(stranger, operator)
    tell(stranger, kind=NoticeKind.GOAL, key="two")
    assert tasks.mail_notices() == 2
    german, english = sorted(mail.outbox, key=lambda one: one.to != [stranger.email])
    assert german.to == ["sid@example.org"]
    assert german.subject == "2 Mitteilungen"
    first = Notice.objects.get(user=stranger, key="one")
    link = f"https://label.example.org/notices/{first.pk}/open/"
    assert f"Eine Frage von dir in Poems wurde beantwortet.\n{link}\n" in str(german.body)
    assert english.subject == "A question of yours in Poems was answered."
    tell(stranger, kind=NoticeKind.RETURNED, key="three")
    assert tasks.mail_notices() == 0
    hour_later()
    assert tasks.mail_notices() == 1
    assert tasks.mail_notices() == 0
    assert len(mail.outbox) == 3


@pytest.mark.usefixtures("mailed")
def test_what_was_read_turned_off_or_just_happened_is_not_mailed(stranger: User, operator: User) -> None:
    tell(stranger, key="read")
    notices.read(user=stranger)
    tell(operator, key="off")
    notices.choose(user=operator, shown=NoticeKind.values, mailed=[])
    tell(stranger, key="new", ago=timedelta())
    assert tasks.mail_notices() == 0
    assert not NoticeMail.objects.exists()
    Notice.objects.filter(key="new").update(created_at=timezone.now() - LONG_AGO)
    assert mailing.gather() == 1
    notices.read(user=stranger)  # between gathering and sending
    assert [mailing.deliver(one) for one in mailing.claim()] == [0]
    assert not NoticeMail.objects.exists()
    assert not mail.outbox


class Refuses(EmailBackend):
    def send_messages(self, messages: object) -> int:
        raise ConnectionRefusedError("no server there")


@pytest.mark.usefixtures("mailed")
def test_a_mail_that_is_not_taken_is_tried_again_later_and_given_up_after_a_day(
    stranger: User, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Refuses"
    tell(stranger)
    assert tasks.mail_notices() == 0
    row = NoticeMail.objects.get()
    assert (row.attempts, row.state, "no server there" in row.last_error) == (1, "pending", True)
    assert row.next_try_at > timezone.now() + timedelta(seconds=100)
    assert tasks.mail_notices() == 0
    assert NoticeMail.objects.get().attempts == 1, "not before its time"
    for _ in range(20):
        NoticeMail.objects.update(next_try_at=timezone.now())
        tasks.mail_notices()
    assert (NoticeMail.objects.get().state, NoticeMail.objects.get().attempts) == ("failed", mailing.MOST_ATTEMPTS)


@pytest.mark.usefixtures("mailed")
def test_a_worker_that_dies_after_sending_leaves_a_mail_that_goes_out_again_under_the_same_id(stranger: User) -> None:
    tell(stranger)
    mailing.gather()
    (mine,) = mailing.claim()
    assert mailing.claim() == [], "it is claimed"
    assert mailing.send(mine, list(mine.notices.all())) == ""  # and dies here
    NoticeMail.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert tasks.mail_notices() == 1
    first, second = (one.extra_headers["Message-ID"] for one in mail.outbox)
    assert first == second
    assert mailing.settle(mine, error="") == 0, "the claim is not the dead worker's any more"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("mailed")
def test_two_workers_at_once_make_one_mail() -> None:
    people = [makers.make_user(f"p{number}") for number in range(5)]
    tell(*people)

    def work(_: int) -> int:
        try:
            return mailing.gather() + 100 * sum(mailing.deliver(one) for one in mailing.claim())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(work, range(4)))
    done.append(mailing.mail_due() * 100)
    assert sum(done) == 505
    assert len(mail.outbox) == NoticeMail.objects.filter(state="sent").count() == 5


def test_unread_in_the_bar_on_home_and_gone_once_it_is_opened(client: Client, stranger: User, operator: User) -> None:
    client.force_login(stranger)
    assert "New since you looked" not in client.get("/").content.decode()
    for number in range(7):
        tell(stranger, key=str(number))
    tell(operator, key="another's")
    html = client.get("/").content.decode()
    assert html.count("A question of yours in Poems was answered.</button>") == 3
    assert 'href="/notices/"><span class="tag good">7</span>' in html
    newest = notices.unread(stranger)[0]
    answer = client.post(f"/notices/{newest.pk}/open/")
    assert answer.headers["Location"] == "/projects/demo/questions/"
    assert len(notices.unread(stranger)) == 6
    assert client.post(f"/notices/{notices.unread(operator)[0].pk}/open/").status_code == 404
    assert client.post("/notices/read/").headers["Location"] == "/"
    assert not notices.unread(stranger)
    assert client.get("/notices/").content.decode().count("A question of yours in Poems was answered.</button>") == 7


def test_the_link_of_an_e_mail_leads_on_and_marks_nothing_as_read(
    client: Client, stranger: User, operator: User
) -> None:
    """A mail program may open it before its reader does. A notice that came by e-mail only has the link too."""
    tell(stranger)
    tell(operator, key="another's")
    Notice.objects.filter(user=stranger).update(shown=False)
    found = Notice.objects.get(user=stranger)
    link = f"/notices/{found.pk}/open/"
    assert client.get(link).headers["Location"] == f"/accounts/login/?next={link}"
    client.force_login(stranger)
    assert client.get(link).headers["Location"] == "/projects/demo/questions/"
    assert Notice.objects.get(pk=found.pk).read_at is None
    assert client.post(link).headers["Location"] == "/projects/demo/questions/"
    assert Notice.objects.get(pk=found.pk).read_at is not None


def test_a_link_of_an_e_mail_to_another_says_the_same_as_one_to_nothing(
    client: Client, stranger: User, operator: User
) -> None:
    tell(operator)
    client.force_login(stranger)
    others, nothing = (client.get(f"/notices/{pk}/open/") for pk in (Notice.objects.get().pk, 987654321))
    assert others.status_code == nothing.status_code == 404
    page = others.content.decode()
    assert "not there any more, or it was for another account. Yours is sid." in page
    assert "Poems" not in page
    assert page.count("Poems") == nothing.content.decode().count("Poems")


def test_where_nothing_is_mailed_only_what_comes_on_pages_is_chosen(client: Client, stranger: User) -> None:
    client.force_login(stranger)
    page = client.get("/notices/").content.decode()
    assert page.count(" checked") == 6
    assert page.count('type="hidden" name="mailed"') == 6  # saved as they stand


@pytest.mark.usefixtures("mailed")
def test_what_one_is_told_is_chosen_on_a_page_and_the_language_in_the_menu_or_at_sign_in(
    client: Client, stranger: User
) -> None:
    said = {"login": "sid", "password": makers.PASSWORD}
    client.post("/accounts/login/", said, headers={"Accept-Language": "es"})
    assert notices.choices_of(stranger).language == "es"
    client.post("/language/", {"language": "de"})
    client.post("/language/", {"language": "xx"})
    assert notices.choices_of(stranger).language == "de"
    assert client.get("/notices/").content.decode().count(" checked") == 12
    client.post("/notices/", {"shown": ["goal", "answered"], "mailed": ["answered"]})
    chosen = NoticeChoices.objects.get()
    assert set(NoticeKind.values) - set(chosen.not_shown) == {"goal", "answered"}
    assert set(NoticeKind.values) - set(chosen.not_mailed) == {"answered"}
    assert client.get("/notices/").content.decode().count(" checked") == 3


def test_read_ones_are_forgotten_after_three_months(stranger: User) -> None:
    tell(stranger, key="read")
    tell(stranger, key="unread")
    long_ago: datetime = timezone.now() - timedelta(days=91)
    Notice.objects.filter(key="read").update(read_at=long_ago)
    NoticeMail.objects.create(user=stranger, state="sent", sent_at=long_ago, created_at=long_ago)
    assert mailing.forget_old() == 2
    assert Notice.objects.get().key == "unread"
