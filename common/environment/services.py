"""Addresses of the database, Redis and the mail server, in the forms that Django and Celery take."""

from __future__ import annotations

import os
from typing import TypedDict
from urllib.parse import parse_qs, quote, unquote, urlsplit

import environ

from common.environment import values
from common.environment.values import SettingError


class DatabaseSettings(TypedDict):
    """Django's `DATABASES["default"]`."""

    ENGINE: str
    NAME: str
    USER: str
    PASSWORD: str
    HOST: str
    PORT: str
    OPTIONS: dict[str, str | int]
    CONN_HEALTH_CHECKS: bool


LOOPBACK = ("127.0.0.1", "localhost", "::1")


def spare_loopback() -> None:
    """A proxy that the environment names (`http_proxy`) is for the world: this machine is never asked through it."""
    for name in ("NO_PROXY", "no_proxy"):
        named = [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
        if "*" not in named:
            os.environ[name] = ",".join([*named, *(host for host in LOOPBACK if host not in named)])


def database_settings(url: str) -> DatabaseSettings:
    """Django's form of a database URL.

    Raises:
        SettingError: it cannot be read.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        raise SettingError("DATABASE_URL takes postgres://user:password@host:port/name; there is no other database.")
    try:
        parts = urlsplit(url)
        query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
        host = query.pop("host", "") or unquote(parts.hostname or "")
        port = query.pop("port", "") or (parts.port or "")
    except ValueError as error:
        raise SettingError(f"DATABASE_URL cannot be read: {error}.") from None
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise SettingError("DATABASE_URL names no database: postgres://user:password@host:port/name.")
    return {
        "ENGINE": "common.database",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port),
        "OPTIONS": {"connect_timeout": 10, **query},
        "CONN_HEALTH_CHECKS": True,
    }


def redis(url: str) -> str:
    if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        raise SettingError("REDIS_URL takes redis://host:port/0, rediss:// or unix:///path/to/socket?db=0.")
    return url


def celery_form(url: str) -> str:
    """Celery's form of redis-py's URL: `unix://` becomes `redis+socket://` with `virtual_host`."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = parse_qs(parts.query).get("db", ["0"])[-1]
    return f"redis+socket://{quote(unquote(parts.path))}?virtual_host={database}"


def email() -> dict[str, object]:
    """Django's settings for mail. Without EMAIL_URL none is sent: links that open accounts belong in no log."""
    url = os.environ.get("EMAIL_URL") or "dummymail://"
    if url.startswith("consolemail:") and not values.flag("DUOLOGUE_DEBUG"):
        raise SettingError(
            "EMAIL_URL writes mail into a log, with links that open accounts: only with DUOLOGUE_DEBUG=1."
        )
    try:
        return dict(environ.Env.email_url_config(url))
    except (KeyError, ValueError):
        raise SettingError(f"EMAIL_URL is {url!r}: it takes smtp+tls://user:password@host:port.") from None
