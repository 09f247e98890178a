"""Who sent a request, as a row of ours."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import User


def user_of(request: HttpRequest | Request) -> User:
    """The person who is signed in.

    Raises:
        PermissionDenied: nobody is; a view that can be reached without a login does not ask this.
    """
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user
