"""Sign-ins and changes of credentials, as Django and allauth announce them, into the audit log.

These are the frameworks' own announcements (of things that happen inside their views), not signals
of our models: what our code does, it records itself where it does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from allauth.account.signals import (
    email_added,
    email_changed,
    email_removed,
    password_changed,
    password_reset,
    password_set,
    user_signed_up,
)
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts.audit import address_of, record
from accounts.models import User
from accounts.notices import keep_language

ANNOUNCED = {
    "sign_in.succeeded": user_logged_in,
    "sign_in.ended": user_logged_out,
    "account.created": user_signed_up,
    "password.changed": password_changed,
    "password.set": password_set,
    "password.reset": password_reset,
    "email.added": email_added,
    "email.changed": email_changed,
    "email.removed": email_removed,
    "two_factor.added": authenticator_added,
    "two_factor.removed": authenticator_removed,
    "two_factor.reset": authenticator_reset,
}


def connect() -> None:
    for action, signal in ANNOUNCED.items():
        signal.connect(_recorder(action), weak=False, dispatch_uid=f"audit {action}")
    user_logged_in.connect(_language_kept, dispatch_uid="language of e-mails")
    user_login_failed.connect(_failed, dispatch_uid="audit sign_in.failed")
    social_account_added.connect(_social("sign_on.connected"), weak=False, dispatch_uid="audit sign_on.connected")
    social_account_removed.connect(_social("sign_on.removed"), weak=False, dispatch_uid="audit sign_on.removed")


def _language_kept(user: User, request: HttpRequest | None = None, **kwargs: object) -> None:
    """E-mails are in the language of the page on which the person signed in last, or chose one since."""
    if request is not None:
        keep_language(user=user, language=str(get_language()))


def _recorder(action: str) -> Callable[..., None]:
    def receive(request: HttpRequest | None = None, user: User | None = None, **kwargs: object) -> None:
        if user is not None:
            record(actor=user, action=action, obj=user, address=address_of(request))

    return receive


class HasUser(Protocol):
    """allauth's account at a sign-on server, or the sign-in by one."""

    user: User


def _social(action: str) -> Callable[..., None]:
    def receive(
        request: HttpRequest | None = None,
        sociallogin: HasUser | None = None,
        socialaccount: HasUser | None = None,
        **kwargs: object,
    ) -> None:
        announced = socialaccount or sociallogin
        assert announced is not None
        record(actor=announced.user, action=action, obj=announced.user, address=address_of(request))

    return receive


def _failed(credentials: dict[str, str] | None = None, request: HttpRequest | None = None, **kwargs: object) -> None:
    """A failed sign-in names the account only if there is one: what was typed may be a password."""
    typed = (credentials or {}).get("username") or ""
    user = User.objects.filter(username=typed).first()
    record(actor=None, action="sign_in.failed", obj=user, address=address_of(request))
