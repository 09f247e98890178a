"""Single sign-on by OpenID Connect: the provider, and where a sign-on form may lead."""

from __future__ import annotations

import os
from typing import TypedDict
from urllib.parse import urlsplit

from common.environment.values import SettingError, secret


class Provider(TypedDict):
    """A provider in allauth's form."""

    provider_id: str
    name: str
    client_id: str
    secret: str
    settings: dict[str, str | bool]


def providers() -> list[Provider]:
    """The OpenID provider in allauth's form; an empty list where none is set."""
    issuer = os.environ.get("DUOLOGUE_OIDC_ISSUER", "").rstrip("/")
    if not issuer:
        return []
    if urlsplit(issuer).scheme not in {"http", "https"} or not urlsplit(issuer).hostname:
        raise SettingError(f"DUOLOGUE_OIDC_ISSUER is {issuer!r}: it takes the provider's https:// address.")
    client = os.environ.get("DUOLOGUE_OIDC_CLIENT_ID", "")
    client_secret = secret("DUOLOGUE_OIDC_CLIENT_SECRET")
    if not client or not client_secret:
        raise SettingError("DUOLOGUE_OIDC_ISSUER needs DUOLOGUE_OIDC_CLIENT_ID and DUOLOGUE_OIDC_CLIENT_SECRET.")
    return [
        {
            "provider_id": "sso",
            "name": os.environ.get("DUOLOGUE_OIDC_NAME") or str(urlsplit(issuer).hostname),
            "client_id": client,
            "secret": client_secret,
            "settings": {"server_url": issuer, "oauth_pkce_enabled": True},
        }
    ]


def form_origins() -> list[str]:
    """Origins that a sign-on form may lead to: the issuer's, and those of DUOLOGUE_OIDC_ORIGINS."""
    named = [os.environ.get("DUOLOGUE_OIDC_ISSUER", ""), *os.environ.get("DUOLOGUE_OIDC_ORIGINS", "").split()]
    origins = []
    for url in filter(None, named):
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or set(url) & set(";,\"'"):
            raise SettingError(f"DUOLOGUE_OIDC_ORIGINS holds {url!r}: it takes https://host addresses, space between.")
        origins.append(f"{parts.scheme}://{parts.netloc}")
    return origins
