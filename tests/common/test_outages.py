"""A full disk, a database or Redis that is away: 503 with a sentence, and what was sent can be sent again."""

from __future__ import annotations

import errno
import logging

import kombu.exceptions
import pytest
import redis
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from common import outages
from common.outages import DATABASE, DISK, REDIS, outage_of
from config.errors import server_error


class DriverError(Exception):
    def __init__(self, pgcode: str) -> None:
        super().__init__(pgcode)
        self.pgcode = pgcode


@pytest.fixture(autouse=True)
def nothing_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages.Met, "disk_full_at", -outages.REMEMBERED)


def database(code: str, kind: type[Exception] = OperationalError) -> Exception:
    error = kind("it says why\nand more")
    error.__cause__ = DriverError(code)
    return error


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (database("53100"), DISK),
        (OSError(errno.ENOSPC, "No space left on device"), DISK),
        (database("57P03"), DATABASE),
        (database("08006"), DATABASE),
        (OperationalError("server closed the connection unexpectedly"), DATABASE),
        (InterfaceError("connection already closed"), DATABASE),
        (redis.ConnectionError("gone"), REDIS),
        (kombu.exceptions.OperationalError("gone"), REDIS),
        (database("40P01"), None),
        (database("23505", IntegrityError), None),
        (OSError(errno.ENOENT, "no such file"), None),
        (ValueError("ours"), None),
        (None, None),
    ],
)
def test_what_is_away_is_told_from_what_is_our_fault(error: Exception | None, outage: outages.Outage | None) -> None:
    assert outage_of(error) == outage


def test_a_full_disk_of_the_database_is_remembered_for_a_while() -> None:
    assert not outages.Met.recently()
    outage_of(database("53100"))
    assert outages.Met.recently()


def answer_to(path: str, error: Exception, **form: str) -> HttpResponse:
    request = RequestFactory().post(path, form, content_type="application/x-www-form-urlencoded")
    request._body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    try:
        raise error
    except Exception:
        return server_error(request)


def test_a_program_is_told_by_problem_details_when_to_come_back(caplog: pytest.LogCaptureFixture) -> None:
    answer = answer_to("/api/v1/projects/", database("53100"))
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert b"The disk of this server is full, so nothing of this was stored." in answer.content
    assert answer["Retry-After"] == "60"
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    assert line.getMessage() == "The disk is full: it says why"


def test_a_person_can_send_what_was_not_stored_again() -> None:
    page = answer_to("/ranking/1/", database("53100"), note="kept", place="1").content.decode()
    assert "<h1>The disk is full</h1>" in page
    assert '<input type="hidden" name="note" value="kept">' in page
    assert "Send it again" in page


def test_a_password_is_never_shown_again() -> None:
    answer = answer_to("/accounts/login/", database("57P03"), password="secret")
    assert answer.status_code == 503
    assert b"secret" not in answer.content


def test_a_fault_of_ours_stays_a_500() -> None:
    assert answer_to("/api/v1/projects/", ValueError("ours")).status_code == 500
