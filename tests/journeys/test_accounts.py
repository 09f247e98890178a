"""Getting in, in a real browser: password, lock-out, reset, invitation, second factor, passkey, sign-on."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from accounts.models import AuditEntry, User
from labeling import invitations
from labeling.models import Membership
from tests import makers
from tests.journeys.conftest import Server

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


@pytest.fixture(scope="module")
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
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
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
    page.get_by_role("button", name="Sign in", exact=True).click()


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


def code(secret: str, *, ahead: int = 0) -> str:
    moment = int(time.time()) // 30 + ahead
    return totp.format_hotp_value(totp.hotp_value(secret, moment))


def test_a_password_opens_the_door_and_five_wrong_ones_lock_it(page: Page, nina: User) -> None:
    for _ in range(5):
        sign_in(page, password="wrong")
        expect(page.locator("main")).to_contain_text("not correct")
    sign_in(page)
    expect(page.locator("main")).to_contain_text("Too many failed login attempts")
    assert AuditEntry.objects.filter(action="sign_in.failed").count() == 5
    cache.clear()  # five minutes later
    sign_in(page)
    signed_in(page)


def test_a_forgotten_password_is_replaced_through_the_mail(page: Page, nina: User, entrance: Entrance) -> None:
    page.goto("/accounts/password/reset/")
    page.fill("input[name=email]", "nina@example.org")
    page.locator("main form button").first.click()
    page.wait_for_url("**/password/reset/done/")
    page.goto(entrance.last_link())
    page.fill("input[name=password1]", "a quite different phrase")
    page.fill("input[name=password2]", "a quite different phrase")
    page.locator("main form button").first.click()
    page.wait_for_url("**/password/reset/key/done/")
    sign_in(page, password="a quite different phrase")
    signed_in(page)


def test_an_invitation_makes_an_account_and_a_member(page: Page, nina: User) -> None:
    project = makers.projects.Project.objects.get()
    _, token = invitations.invite(project=project, role="reviewer", by=nina)
    page.goto(f"/invitations/{token}/")
    page.get_by_role("button", name="Open an account").click()
    page.wait_for_url("**/accounts/signup/")
    page.fill("input[name=username]", "newcomer")
    page.fill("input[name=password1]", makers.PASSWORD)
    page.fill("input[name=password2]", makers.PASSWORD)
    page.locator("main form button[type=submit], main form button").first.click()
    signed_in(page)
    assert Membership.objects.get(user__username="newcomer").role == "reviewer"


def test_a_second_factor_is_set_up_and_then_asked_for(page: Page, nina: User) -> None:
    sign_in(page)
    signed_in(page)
    open_confirmed(page, "/accounts/2fa/totp/activate/")
    expect(page.locator("main img")).to_be_visible()
    secret = page.locator("#authenticator_secret").input_value()
    page.fill("input[name=code]", code(secret))
    page.locator("main form button").first.click()
    page.wait_for_url("**/2fa/recovery-codes/**")
    expect(page.locator("#recovery_codes")).to_have_value(re.compile(r"\d{8}"))
    sign_out(page)
    sign_in(page)
    page.wait_for_url("**/2fa/authenticate/**")
    page.fill("input[name=code]", "000000")
    page.locator("main form button").first.click()
    expect(page.locator("main")).to_contain_text("Incorrect code")
    page.fill("input[name=code]", code(secret, ahead=1))
    page.locator("main form button").first.click()
    signed_in(page)
    stored = nina.authenticator_set.get(type="totp").data["secret"]
    assert secret not in stored  # encrypted at rest


def test_a_passkey_signs_in_without_a_password(page: Page, nina: User) -> None:
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    sign_in(page)
    signed_in(page)
    open_confirmed(page, "/accounts/2fa/webauthn/add/")
    page.fill("input[name=name]", "this laptop")
    page.check("input[name=passwordless]")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(re.compile(r"/2fa/(recovery-codes/.*|webauthn/)$"))  # not the page that adds it
    sign_out(page)
    page.goto("/accounts/login/")
    page.click("#passkey_login")
    signed_in(page)
    assert AuditEntry.objects.filter(action="two_factor.added", actor=nina).exists()


def test_other_sessions_are_listed_and_ended(page: Page, nina: User, browser: Browser, entrance: Entrance) -> None:
    elsewhere = browser.new_context(base_url=entrance.url).new_page()
    sign_in(elsewhere)
    signed_in(elsewhere)
    sign_in(page)
    signed_in(page)
    page.goto("/accounts/sessions/")
    expect(page.locator("main table tbody tr")).to_have_count(2)
    page.locator("main form button").first.click()
    expect(page.locator("main table tbody tr")).to_have_count(1)
    elsewhere.goto("/history/")
    assert "/accounts/login/" in elsewhere.url
    elsewhere.context.close()


@pytest.fixture
def provider(entrance: Entrance) -> Iterator[Callable[[], None]]:
    """A real OpenID provider in a process of its own."""
    port = entrance.provider_port
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--host", "localhost"]
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/.well-known/openid-configuration", timeout=2)
            break
        except OSError:
            time.sleep(0.1)
    yield
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def through_the_provider(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_text("University").click()
    page.locator("main form button").first.click()  # a POST: no other site can start a sign-on
    page.fill("input[name=sub]", name)
    page.get_by_role("button", name="Authorize").click()


@pytest.mark.slow
def test_single_sign_on_opens_an_account_that_is_a_member_of_nothing(
    page: Page, nina: User, provider: Callable[[], None]
) -> None:
    through_the_provider(page, "prof@example.edu")
    page.wait_for_url(re.compile(r"localhost:\d+/(accounts/3rdparty/signup/)?$"))
    if "signup" in page.url:
        page.locator("main form button").first.click()
    signed_in(page)
    made = User.objects.exclude(pk=nina.pk).get()
    assert not made.memberships.exists()
    assert not made.has_usable_password()
    assert AuditEntry.objects.filter(action="account.created", object_id=str(made.pk)).exists()
    sign_out(page)
    through_the_provider(page, "prof@example.edu")
    signed_in(page)
    assert User.objects.count() == 2


@pytest.mark.slow
def test_an_address_that_a_provider_claims_opens_nobodys_account(
    page: Page, nina: User, provider: Callable[[], None]
) -> None:
    through_the_provider(page, "nina@example.org")
    page.wait_for_load_state()
    assert not nina.socialaccount_set.exists()
