"""Bearer tokens of the API: made, recognised, revoked. Only a SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User

PREFIX = "duo_"


def create(*, user: User, name: str = "", expires_at: datetime | None = None, scopes: list[str] | None = None) -> str:
    """Make a token for `user` and return it; it cannot be read again."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(
        user=user, name=name, prefix=token[:12], digest=digest(token), expires_at=expires_at, scopes=scopes or []
    )
    return token


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`."""

    keyword = b"bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword:
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("The Authorization header takes 'Bearer TOKEN'.")
        token = (
            ApiToken.objects.select_related("user")
            .filter(digest=digest(parts[1].decode("latin-1")), revoked_at__isnull=True, user__is_active=True)
            .first()
        )
        if token is None or (token.expires_at and token.expires_at <= timezone.now()):
            raise AuthenticationFailed("The token is unknown, revoked or expired.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="duologue"'
