"""Everything that allauth can say to a person here is in our words, and in the project's frame."""

from __future__ import annotations

import re
from pathlib import Path

import allauth
import pytest
from allauth.account import app_settings as account_settings
from allauth.mfa import app_settings as mfa_settings
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.template.loader import get_template
from django.test import Client

from accounts.browsers import name_of
from accounts.models import User

THEIRS = Path(allauth.__file__).parent / "templates"
OURS = Path(settings.BASE_DIR) / "templates"
NOT_USED = (
    r"idp/|openid/|.*phone",
    r"account/(email_change|base_confirm_code|confirm_.*_code|request_login_code|signup_by_passkey)\.html",
    r"account/messages/login_code_sent|account/email/.*_code_",
    r"mfa/(trust|webauthn/signup_form)\.html",
    r"account/email/(base_notification|(email_changed|email_confirm|email_deleted|password_changed|password_reset"
    r"|password_set)_(message|subject))\.txt|(mfa|socialaccount)/email/",
    r"mfa/.*/base\.html",
)
"""What these settings leave out: codes by mail, phones, sign-up by passkey, trusted browsers, notices of each change,
allauth as a provider, frames that only theirs stand in. `test_what_is_left_out_is_off` holds the settings to it."""
OFF = ("LOGIN_BY_CODE_ENABLED", "PASSWORD_RESET_BY_CODE_ENABLED", "EMAIL_VERIFICATION_BY_CODE_ENABLED", "CHANGE_EMAIL",
       "EMAIL_NOTIFICATIONS")  # fmt: skip


def has_words(path: Path) -> bool:
    return re.search(r"{%\s*(block)?trans", path.read_text()) is not None


def test_every_text_that_can_be_shown_is_ours() -> None:
    wordy = {str(path.relative_to(THEIRS)) for path in THEIRS.rglob("*.*") if has_words(path)}
    used = {name for name in wordy if not any(re.match(pattern, name) for pattern in NOT_USED)}
    assert len(used) > 40
    assert sorted(name for name in used if not (OURS / name).exists()) == []
    for name in used:
        get_template(name)


def test_what_is_left_out_is_off() -> None:
    assert [name for name in OFF if getattr(account_settings, name)] == []
    assert "phone" not in account_settings.SIGNUP_FIELDS
    assert not mfa_settings.PASSKEY_SIGNUP_ENABLED
    assert not mfa_settings.TRUST_ENABLED


def test_our_frame_asks_for_scripts_that_are_there() -> None:
    """allauth's own, which a new version may rename."""
    found = re.findall(r"static '([^']+)'", (OURS / "mfa/webauthn/snippets/scripts.html").read_text())
    assert len(found) == 3
    assert all(finders.find(name) for name in found)


@pytest.mark.django_db
def test_too_many_tries_are_told_in_our_frame(client: Client) -> None:
    cache.clear()
    User.objects.create_user("ada", password="Right-horse-1!")
    for _ in range(31):
        answer = client.post("/accounts/login/", {"login": "x", "password": "y"}, REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == 429
    assert "Too many tries" in answer.content.decode()
    assert "css/duologue.css" in answer.content.decode()
    cache.clear()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1",
         "Safari, iPhone"),
        ("a program of ours 1.0", "a program of ours 1.0"),
    ],
)  # fmt: skip
def test_a_session_is_named_by_browser_and_system(sent: str, shown: str) -> None:
    assert name_of(sent) == shown
