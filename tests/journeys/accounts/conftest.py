"""A server that sends mail and knows a sign-on server, and what one does at its door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests import makers
from tests.journeys.conftest import watch
from tests.journeys.server import Server
from tests.workers import free_port


@dataclass
class Entrance:
    """A server that writes its mails into a folder and knows a sign-on server."""

    server: Server
    mails: Path
    provider_port: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server.port}"  # a secure context, which passkeys need

    def last_link(self) -> str:
        newest = max(self.mails.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        found = re.search(r"http://\S+", newest.read_text())
        assert found
        return found[0]


@pytest.fixture(scope="package")
def entrance(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    mails, provider_port = tmp_path_factory.mktemp("mails"), free_port()
    server = Server(free_port())
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EMAIL_URL", f"filemail:///{mails}")  # three slashes and an absolute path
        environment.setenv("DUOLOGUE_OIDC_ISSUER", f"http://localhost:{provider_port}")
        environment.setenv("DUOLOGUE_OIDC_CLIENT_ID", "duologue")
        environment.setenv("DUOLOGUE_OIDC_CLIENT_SECRET", "a secret of this test")
        environment.setenv("DUOLOGUE_OIDC_NAME", "University")
        server.start()
    yield Entrance(server, mails, provider_port)
    server.stop()


@pytest.fixture
def page(browser: Browser, entrance: Entrance, transactional_db: None) -> Iterator[Page]:
    """A fresh browser; any complaint of the Content Security Policy fails the test."""
    cache.clear()
    problems: list[str] = []
    context = browser.new_context(base_url=entrance.url)
    context.set_default_timeout(40_000)
    page = context.new_page()
    watch(page, problems)
    yield page
    context.close()
    entrance.server.let_requests_end()
    assert not problems, problems


@pytest.fixture
def nina(transactional_db: None) -> User:
    """A trainer whose password the server's own hashers know."""
    project = makers.make_project()
    user = makers.make_member(project, "nina")
    user.password = PBKDF2PasswordHasher().encode(makers.PASSWORD, "salt", 1000)
    user.save(update_fields=["password"])
    return user


def sign_in(page: Page, name: str = "nina", password: str = makers.PASSWORD) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("main form button[type=submit], main form button").first.click()
    page.wait_for_url("**/accounts/login/**")


def signed_in(page: Page) -> None:
    page.wait_for_url(re.compile(r"localhost:\d+/$"))
    expect(page.locator("body")).to_have_attribute("data-user", re.compile(".+"))


def open_confirmed(page: Page, path: str) -> None:
    """A page that asks for the password once more before it changes how an account is opened."""
    page.goto(path)
    page.wait_for_url("**/accounts/reauthenticate/**")
    page.fill("input[name=password]", makers.PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url(f"**{path}")


def virtual_key(page: Page) -> None:
    """A key of this browser that says yes at once."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
