"""Whose sign-in it is: a user name and an address of the same account are one, to the lock-out, to the time that an
answer takes, and to the audit log."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.models import User


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

    def authenticate(self, request: HttpRequest, **credentials: str) -> AbstractBaseUser | None:
        typed = credentials.pop("username", "") or credentials.get("email", "")
        credentials.pop("email", None)
        account = account_of(typed)
        name = typed if account is None else account.username
        return super().authenticate(request, **credentials, username=name)
