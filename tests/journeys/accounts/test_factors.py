"""Getting in with a second factor, or with a passkey and no password."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from playwright.sync_api import Page, expect

from accounts.models import AuditEntry, User
from tests.journeys.accounts.conftest import open_confirmed, sign_in, sign_out, signed_in, virtual_key

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def code(secret: str, *, ahead: int = 0) -> str:
    moment = int(time.time()) // 30 + ahead
    return str(totp.format_hotp_value(totp.hotp_value(secret, moment)))


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
    expect(page.locator("main")).to_contain_text("not correct")
    page.fill("input[name=code]", code(secret, ahead=1))
    page.locator("main form button").first.click()
    signed_in(page)
    stored = Authenticator.objects.get(user=nina, type="totp").data["secret"]
    assert secret not in stored  # encrypted at rest


def test_a_passkey_signs_in_without_a_password(page: Page, nina: User) -> None:
    virtual_key(page)
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
