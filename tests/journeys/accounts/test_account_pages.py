"""Every page of an account, looked at by axe at a narrow and a wide width in both themes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from playwright.sync_api import Browser, Page

from accounts.models import User
from labeling import invitations
from labeling.models import Project
from tests.journeys import screens
from tests.journeys.accounts.conftest import Entrance, open_confirmed, sign_in, signed_in, virtual_key
from tests.journeys.conftest import watch
from tests.journeys.screens import EVERY, QUICK, Screen

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
SIGNED_IN = ("/accounts/password/change/", "/accounts/2fa/", "/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/",
             "/accounts/2fa/recovery-codes/", "/accounts/2fa/recovery-codes/generate/", "/accounts/sessions/",
             "/accounts/2fa/totp/deactivate/", "/accounts/email/", "/accounts/3rdparty/", "/accounts/logout/",
             "/accounts/reauthenticate/", "/accounts/2fa/reauthenticate/",
             "/accounts/2fa/webauthn/reauthenticate/")  # fmt: skip
NOT_SIGNED_IN = ("/accounts/login/", "/accounts/password/reset/", "/accounts/password/reset/done/",
                 "/accounts/password/reset/key/1-nokey/", "/accounts/password/reset/key/done/", "/accounts/inactive/",
                 "/accounts/signup/", "/accounts/confirm-email/", "/accounts/confirm-email/nokey/",
                 "/accounts/oidc/sso/login/", "/accounts/3rdparty/login/cancelled/", "/no-such-page/")  # fmt: skip
Look = Callable[[str], None]


@pytest.mark.parametrize("screen", QUICK[:1], ids=str)
def test_axe_finds_nothing_and_nothing_is_too_wide(
    browser: Browser, entrance: Entrance, nina: User, screen: Screen
) -> None:
    walk(browser, entrance, nina, screen)


@pytest.mark.slow
@pytest.mark.parametrize("screen", EVERY, ids=str)
def test_every_screen(browser: Browser, entrance: Entrance, nina: User, screen: Screen) -> None:
    walk(browser, entrance, nina, screen)


def walk(browser: Browser, entrance: Entrance, nina: User, screen: Screen) -> None:
    cache.clear()  # each walk tries a wrong password, and five lock a name for five minutes
    problems: list[str] = []
    options: dict[str, Any] = screen.options
    context = browser.new_context(base_url=entrance.url, **options)
    page = context.new_page()
    watch(page, problems)
    page.on("response", lambda answer: problems.append(answer.url) if answer.status >= 500 else None)
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found.update(screens.look(page, "account", name, screen))

    not_signed_in(page, look)
    invited(page, look)
    EmailAddress.objects.create(user=nina, email="nina@example.org", primary=True, verified=True)
    EmailAddress.objects.create(user=nina, email="nina.with.a.long.address@department.example.org")
    signing_in(page, look)
    signed_in_with_factors(page, look, nina)
    context.close()
    assert not found
    assert not problems


def not_signed_in(page: Page, look: Look) -> None:
    for path in NOT_SIGNED_IN:
        page.goto(path)
        look(path)


def invited(page: Page, look: Look) -> None:
    _, token = invitations.invite(project=Project.objects.get(), role="trainer", by=User.objects.get(username="nina"))
    page.goto(f"/invitations/{token}/")
    page.locator("main form button").first.click()
    page.wait_for_url("**/accounts/signup/")
    look("sign-up by invitation")
    page.fill("input[name=username]", "nina")
    page.fill("input[name=password1]", "12345678")
    page.fill("input[name=password2]", "123456789")
    page.locator("main form button").first.click()
    look("sign-up refused")
    page.context.clear_cookies()


def signing_in(page: Page, look: Look) -> None:
    sign_in(page, password="wrong")
    look("refused")
    sign_in(page)
    signed_in(page)
    page.goto("/accounts/2fa/")
    look("no second factor")
    open_confirmed(page, "/accounts/2fa/totp/activate/")
    look("setting up an app")


def signed_in_with_factors(page: Page, look: Look, nina: User) -> None:
    virtual_key(page)
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("input[name=name]", "this laptop with a long name")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(re.compile(r"/2fa/(recovery-codes/.*|webauthn/)$"))
    look("a key was added")
    TOTP.activate(nina, generate_totp_secret())
    key = Authenticator.objects.get(type="webauthn")
    for path in (*SIGNED_IN, *(f"/accounts/2fa/webauthn/keys/{key.pk}/{verb}/" for verb in ("edit", "remove"))):
        page.goto(path)
        assert page.url.endswith(path), page.url
        look(path)
    page.context.clear_cookies()
    sign_in(page)
    page.wait_for_url("**/2fa/authenticate/**")
    look("second factor")
