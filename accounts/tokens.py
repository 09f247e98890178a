"""Bearer tokens of the API: made, recognised, revoked. Only a SHA-256 is stored.

A token is 256 random bits, so that a plain hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts.audit import record
from accounts.models import ApiToken, User
from common.auth import SCOPES
from common.held import Held, forget

log = logging.getLogger(__name__)
PREFIX = "duo_"
GUESSES, GUESSING_TIME = 20, 60  # wrong tokens of one address, and the seconds in which they are counted
USED_EVERY = timedelta(minutes=5)  # how exactly `last_used_at` is kept


def create(
    *,
    user: User,
    name: str = "",
    expires_at: datetime | None = None,
    scopes: list[str] | None = None,
    by: User | None = None,
) -> str:
    """Make a token for `user` and return it; it cannot be read again.

    Raises:
        ValueError: a scope that does not exist.
    """
    if unknown := sorted(set(scopes or []) - set(SCOPES)):
        raise ValueError(f"There is no scope {unknown[0]!r}: they are {', '.join(SCOPES)}.")
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user, name=name, prefix=token[:12], digest=digest(token), expires_at=expires_at, scopes=scopes or []
    )
    record(actor=by or user, action="token.created", obj=row)
    return token


def revoke(*, token: ApiToken, by: User | None) -> bool:
    """End a token now; False if it had ended already."""
    ended = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
    if ended:
        forget()
        record(actor=by, action="token.revoked", obj=token)
    return bool(ended)


def guesses_too_often(address: str | None) -> bool:
    """Count a wrong token of this address. Right ones are never held up by what others at the address do."""
    key = f"wrong-tokens:{address}"
    cache.add(key, 0, GUESSING_TIME)
    try:
        return cache.incr(key) > GUESSES
    except ValueError:  # it ran out just now
        return False


def _note_use(token: ApiToken, now: datetime) -> None:
    """Reading goes on where this cannot be stored."""
    try:
        with transaction.atomic():
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    except OperationalError as error:
        log.warning("the use of a token is not noted: %s", str(error).splitlines()[0])


def _good(digest_: str) -> ApiToken | None:
    """The token with this digest and its user, while both are good; its use is noted."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        .filter(digest=digest_, revoked_at__isnull=True, user__is_active=True)
        .first()
    )
    if token is not None and (token.last_used_at is None or token.last_used_at < now - USED_EVERY):
        _note_use(token, now)
    return token


_held = Held(_good)


def held(header: str) -> ApiToken | None:
    """The token of an Authorization header, as it was at most a second ago; None where it is not good."""
    keyword, _, token = header.partition(" ")
    if keyword.lower() != "bearer" or not token.startswith(PREFIX):
        return None
    found = _held.get(digest(token))
    return None if found is None or (found.expires_at is not None and found.expires_at <= timezone.now()) else found


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
        token = _good(digest(parts[1].decode("latin-1")))
        if token is None:
            if guesses_too_often(request.META.get("REMOTE_ADDR")):
                raise Throttled(GUESSING_TIME, "Too many wrong tokens came from your address.")
            raise AuthenticationFailed("The token is unknown, revoked or expired.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="duologue"'
