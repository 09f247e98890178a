"""The environment, read and checked in one place. Imports no Django model, opens no connection.

Every wrong value raises `SettingError` with a sentence that names the variable; `manage.py` and
`bin/start` print it and exit with 2.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import environ

from common import embedded


class SettingError(Exception):
    """A setting that cannot be used; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Environment:
    var_dir: Path
    debug: bool
    secret_key: str
    public_url: str
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    database: dict[str, Any]
    redis_url: str
    celery_broker_url: str
    email: dict[str, Any]
    nightly_at: dt.time


def read(base_dir: Path) -> Environment:
    """Read every setting.

    Raises:
        SettingError: a variable holds something that cannot be used.
    """
    var = var_dir(base_dir)
    services = embedded.discover(var)
    redis_url = os.environ.get("REDIS_URL") or services.redis_url
    public_url = _public_url()
    hosts = ["127.0.0.1", "localhost", "[::1]"]
    if public_url:
        hosts.append(urlsplit(public_url).hostname or "")
    return Environment(
        var_dir=var,
        debug=_flag("DUOLOGUE_DEBUG"),
        secret_key=_secret_key(var),
        public_url=public_url,
        allowed_hosts=hosts,
        csrf_trusted_origins=[public_url] if public_url else [],
        database=_database(os.environ.get("DATABASE_URL") or services.database_url),
        redis_url=_redis(redis_url),
        celery_broker_url=_celery_form(redis_url),
        email=_email(),
        nightly_at=_nightly(),
    )


def var_dir(base_dir: Path) -> Path:
    """Where all data lives: DUOLOGUE_VAR, or `var` beside the code."""
    return Path(os.environ.get("DUOLOGUE_VAR") or base_dir / "var").expanduser().resolve()


def _flag(name: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value not in {"", "0", "1", "true", "false", "yes", "no"}:
        raise SettingError(f"{name} is {value!r}: it takes 1 or 0.")
    return value in {"1", "true", "yes"}


def _public_url() -> str:
    url = os.environ.get("DUOLOGUE_URL", "").rstrip("/")
    if url:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            raise SettingError(f"DUOLOGUE_URL is {url!r}: it takes http(s)://host[:port] and no path.")
    return url


def _secret_key(var_dir: Path) -> str:
    """SECRET_KEY, or SECRET_KEY_FILE, or one made once and kept (0600) in the var folder."""
    key = os.environ.get("SECRET_KEY", "")
    name = "SECRET_KEY"
    if not key and (file := os.environ.get("SECRET_KEY_FILE", "")):
        name = "SECRET_KEY_FILE"
        try:
            key = Path(file).read_text().strip()
        except OSError as error:
            raise SettingError(f"SECRET_KEY_FILE {file!r} cannot be read: {error.strerror}.") from None
    if key:
        if len(key) < 32 or len(set(key)) < 8:
            raise SettingError(f"{name} is weak: it takes at least 32 characters, at least 8 of them different.")
        return key
    path = var_dir / "secret_key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".secret_key.{os.getpid()}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file_object:
                file_object.write(secrets.token_urlsafe(64))
            try:
                os.link(fresh, path)  # fails where another process was first: theirs is used
            except FileExistsError:
                pass
            fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise SettingError(f"The var folder {str(var_dir)!r} cannot be written: {error.strerror}.") from None


def _database(url: str) -> dict[str, Any]:
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
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port),
        "OPTIONS": {"connect_timeout": 10, **query},
        "CONN_HEALTH_CHECKS": True,
    }


def _redis(url: str) -> str:
    if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        raise SettingError("REDIS_URL takes redis://host:port/0, rediss:// or unix:///path/to/socket?db=0.")
    return url


def _celery_form(url: str) -> str:
    """Celery's form of redis-py's URL: `unix://` becomes `redis+socket://` with `virtual_host`."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = parse_qs(parts.query).get("db", ["0"])[-1]
    return f"redis+socket://{quote(unquote(parts.path))}?virtual_host={database}"


def _email() -> dict[str, Any]:
    url = os.environ.get("EMAIL_URL") or "consolemail://"
    try:
        return dict(environ.Env.email_url_config(url))
    except (KeyError, ValueError):
        raise SettingError(f"EMAIL_URL is {url!r}: it takes smtp+tls://user:password@host:port.") from None


def _nightly() -> dt.time:
    value = os.environ.get("DUOLOGUE_NIGHTLY_AT") or "02:30"
    try:
        return dt.time.fromisoformat(value)
    except ValueError:
        raise SettingError(f"DUOLOGUE_NIGHTLY_AT is {value!r}: it takes HH:MM, in UTC.") from None
