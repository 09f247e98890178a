"""Getting in through a sign-on server: OpenID Connect against a real provider."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from allauth.socialaccount.models import SocialAccount
from playwright.sync_api import Page

from accounts.models import AuditEntry, User
from tests.journeys.accounts.conftest import Entrance, sign_out, signed_in

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def provider(entrance: Entrance) -> Iterator[None]:
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
    process.kill()
    process.wait()


def through_the_provider(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_text("University").click()
    page.locator("main form button").first.click()  # a POST: no other site can start a sign-on
    page.fill("input[name=sub]", name)
    page.get_by_role("button", name="Authorize").click()


@pytest.mark.slow
def test_single_sign_on_opens_an_account_that_is_a_member_of_nothing(page: Page, nina: User, provider: None) -> None:
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
def test_an_address_that_a_provider_claims_opens_nobodys_account(page: Page, nina: User, provider: None) -> None:
    through_the_provider(page, "nina@example.org")
    page.wait_for_load_state()
    assert not SocialAccount.objects.filter(user=nina).exists()
