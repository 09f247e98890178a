"""A request that loses the database is made again where nothing of it was stored, and only there."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from common import asgi_handler
from common.asgi_handler import ThreadedHandler
from tests.common.test_asgi_handler import ask, close_all

pytestmark = pytest.mark.django_db(transaction=True)
calls = itertools.count()
handler500 = "config.errors.server_error"


def lose_it() -> None:
    """What a killed server does to whoever is connected."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def make(name: str) -> None:
    get_user_model().objects.create(username=name)


def reading(request: HttpRequest) -> HttpResponse:
    if next(calls) == 0:
        lose_it()
    return HttpResponse(str(get_user_model().objects.count()))


@transaction.atomic
def in_the_middle(request: HttpRequest) -> HttpResponse:
    make("once")
    if next(calls) == 0:
        lose_it()
    return HttpResponse(request.body)


def after_storing(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        make(f"number {next(calls)}")
    lose_it()
    return HttpResponse("never")


def away(request: HttpRequest) -> HttpResponse:
    next(calls)
    lose_it()
    return HttpResponse("never")


urlpatterns = [path(f"api/{view.__name__}", view) for view in (reading, in_the_middle, after_storing, away)]


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedHandler]:
    global calls
    calls = itertools.count()
    monkeypatch.setattr(asgi_handler, "PAUSES", (0.01, 0.01))
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        handler = ThreadedHandler(threads=1)
        yield handler
        close_all(handler, 1)


def asked(
    handler: ThreadedHandler, address: str, *, method: str = "GET", body: bytes = b"", key: bytes = b""
) -> tuple[int, str]:
    headers = [(b"host", b"localhost"), *([(b"idempotency-key", key)] if key else [])]
    return asyncio.run(ask(handler, address, method=method, body=body, headers=headers))


def test_a_page_is_made_again(handler: ThreadedHandler) -> None:
    assert asked(handler, "/api/reading") == (200, "0")


def test_a_write_that_was_taken_back_is_made_again_once_with_what_was_sent(handler: ThreadedHandler) -> None:
    assert asked(handler, "/api/in_the_middle", method="POST", body=b"what was sent") == (200, "what was sent")
    assert get_user_model().objects.count() == 1


def test_what_was_stored_is_not_made_again(handler: ThreadedHandler) -> None:
    assert asked(handler, "/api/after_storing", method="POST")[0] == 503
    assert get_user_model().objects.count() == 1


def test_the_same_key_is_made_again_whatever_was_stored(handler: ThreadedHandler) -> None:
    assert asked(handler, "/api/after_storing", method="POST", key=b"k")[0] == 503
    assert get_user_model().objects.count() == 3


def test_it_ends(handler: ThreadedHandler) -> None:
    assert asked(handler, "/api/away")[0] == 503
    assert next(calls) == 3
