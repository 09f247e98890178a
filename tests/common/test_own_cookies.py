"""Under a path of its host, every cookie of the site has that path, and another site's does not stand for it."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def under_a_path(settings: Settings) -> Client:
    settings.SESSION_COOKIE_PATH = settings.CSRF_COOKIE_PATH = "/label/"
    settings.MIDDLEWARE = ["common.own_cookies.OwnCookies", *settings.MIDDLEWARE]
    return Client(enforce_csrf_checks=True)


def test_signing_in_and_choosing_a_language_and_a_theme_set_cookies_of_the_path(
    under_a_path: Client, alice: User
) -> None:
    client = under_a_path
    client.get("/accounts/login/")
    sent = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value, "login": "alice", "password": makers.PASSWORD}
    assert client.post("/accounts/login/", sent).status_code == 302
    sent["csrfmiddlewaretoken"] = client.cookies["csrftoken"].value
    client.post("/language/", sent | {"language": "de"})
    client.post("/theme/", sent | {"theme": "dark"})
    assert 'lang="de"' in client.get("/").content.decode()
    found = {name: cookie["path"] for name, cookie in client.cookies.items()}
    assert found.keys() >= {"sessionid", "csrftoken", "language", "theme"}
    assert set(found.values()) == {"/label/"}
    client.post("/theme/", sent | {"theme": "auto"})
    assert client.cookies["theme"]["path"] == "/label/"
    assert client.cookies["theme"]["max-age"] == 0


def test_a_cookie_of_the_root_of_the_host_does_not_stand_for_ours(under_a_path: Client, alice: User) -> None:
    """Another Django site there has a `sessionid` too, and so had an earlier release of this one a `language`."""
    client = under_a_path
    client.force_login(alice)
    ours = f"sessionid={client.cookies['sessionid'].value}; language=es"
    client.cookies.clear()
    page = client.get("/", headers={"cookie": f"{ours}; sessionid=another; language=de"})
    assert page.status_code == 200
    assert 'lang="es"' in page.content.decode()
