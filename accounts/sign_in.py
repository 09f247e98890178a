"""Whose sign-in it is: a user name and an address of the same account are one, to the lock-out, to the time that an
answer takes, and to the audit log."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User

NOT_CORRECT = _("The user name or the password is not correct.")
ERRORS = {
    "account_inactive": _("This account is closed."),
    "cannot_remove_primary_email": _("Mail goes to that address. Choose another address for mail first."),
    "duplicate_email": _("That address is yours already."),
    "email_password_mismatch": NOT_CORRECT,
    "username_password_mismatch": NOT_CORRECT,
    "email_taken": _("Another account has that address."),
    "enter_current_password": _("That is not your password."),
    "incorrect_code": _("That code is not correct."),
    "incorrect_password": _("That is not your password."),
    "invalid_password_reset": _("This link does not work any more."),
    "max_email_addresses": _("An account has %d addresses at most."),
    "too_many_login_attempts": _("Too many wrong tries. Wait five minutes, then try again."),
    "unverified_primary_email": _("Confirm that address first, then mail can go there."),
    "username_blacklisted": _("That user name cannot be used. Please choose another."),
    "username_taken": _("Somebody has that user name already. Please choose another."),
    "rate_limited": _("Too many tries. Wait a few minutes, then try again."),
}


def account_of(login: str) -> User | None:
    """The account of that user name, else of that address. Of several that gave the same address, the one whose
    address was verified, else the one made first: each sign-in looks at one password."""
    named = get_user_by_username(login)
    if isinstance(named, User):
        return named
    found = filter_users_by_email(login, prefer_verified=True, for_login=True)
    return min((user for user in found if isinstance(user, User)), key=lambda user: user.pk, default=None)


class OneName(DefaultAccountAdapter):
    """allauth is given a user name and never an address: it would look at a known address's password once more than
    at an unknown one's, and count failures of name and address apart."""

    error_messages = {**DefaultAccountAdapter.error_messages, **ERRORS}

    def authenticate(self, request: HttpRequest, **credentials: str) -> AbstractBaseUser | None:
        typed = credentials.pop("username", "") or credentials.get("email", "")
        credentials.pop("email", None)
        account = account_of(typed)
        name = typed if account is None else account.username
        return super().authenticate(request, **credentials, username=name)
