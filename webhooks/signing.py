"""Signatures by the Standard Webhooks scheme (standardwebhooks.com), so that receivers can use its libraries.

A subscription's secret is derived from SECRET_KEY: a copy of the database does not hold it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from django.conf import settings

from webhooks.models import Subscription

PREFIX = "whsec_"


def secret_of(subscription: Subscription) -> str:
    """What the receiver needs to check signatures; changes with SECRET_KEY and with each renewal."""
    name = f"duologue webhook {subscription.pk} {subscription.generation}".encode()
    return PREFIX + base64.b64encode(hmac.digest(settings.SECRET_KEY.encode(), name, hashlib.sha256)).decode()


def signature(*, secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
