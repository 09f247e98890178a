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
    hsts_subdomains: bool
    sign_on: list[dict[str, Any]]
    sign_on_hosts: list[str]
    api_rate: str
    web_threads: int
    max_upload_bytes: int
    webhooks_to_private_addresses: bool
    sampler_memory_limit: int | None
    sampler_grace: float
    sampler_lease: float


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
        database=database_settings(os.environ.get("DATABASE_URL") or services.database_url),
        redis_url=_redis(redis_url),
        celery_broker_url=_celery_form(redis_url),
        email=_email(),
        nightly_at=_nightly(),
        hsts_subdomains=_flag("DUOLOGUE_HSTS_SUBDOMAINS"),
        sign_on=_sign_on(),
        sign_on_hosts=_sign_on_hosts(),
        api_rate=_api_rate(),
        web_threads=_count("DUOLOGUE_WEB_THREADS", 16),
        max_upload_bytes=_megabytes("DUOLOGUE_MAX_UPLOAD_MB", 10),
        webhooks_to_private_addresses=_flag("DUOLOGUE_WEBHOOKS_TO_PRIVATE_ADDRESSES"),
        sampler_memory_limit=_bytes("SAMPLER_MEMORY_LIMIT"),
        sampler_grace=_seconds("SAMPLER_GRACE", 20.0),
        sampler_lease=max(1.0, _seconds("SAMPLER_LEASE", 60.0)),
    )


def var_dir(base_dir: Path) -> Path:
    """Where all data lives: DUOLOGUE_VAR, or `var` beside the code."""
    return Path(os.environ.get("DUOLOGUE_VAR") or base_dir / "var").expanduser().resolve()


def _flag(name: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value not in {"", "0", "1", "true", "false", "yes", "no"}:
        raise SettingError(f"{name} is {value!r}: it takes 1 or 0.")
    return value in {"1", "true", "yes"}


def _bytes(name: str) -> int | None:
    """ "" is None; otherwise a whole number with an optional K, M or G."""
    value = os.environ.get(name, "").strip().upper()
    if not value:
        return None
    factor = {"K": 2**10, "M": 2**20, "G": 2**30}.get(value[-1], 1)
    digits = value if factor == 1 else value[:-1]
    if not digits.isdecimal() or int(digits) == 0:
        raise SettingError(f"{name} is {value!r}: it takes a number of bytes, such as 8G.")
    return int(digits) * factor


def _public_url() -> str:
    url = os.environ.get("DUOLOGUE_URL", "").rstrip("/")
    if url:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            raise SettingError(f"DUOLOGUE_URL is {url!r}: it takes http(s)://host[:port] and no path.")
    return url


def _secret_key(var_dir: Path) -> str:
    """SECRET_KEY, or SECRET_KEY_FILE, or one made once and kept (0600) in the var folder."""
    key = secret("SECRET_KEY")
    if key:
        if len(key) < 50 or len(set(key)) < 8 or key.startswith("django-insecure-"):
            raise SettingError("SECRET_KEY is weak: it takes at least 50 characters, at least 8 of them different.")
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


def database_settings(url: str) -> dict[str, Any]:
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
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port),
        "OPTIONS": {"connect_timeout": 10, **query},
        "CONN_MAX_AGE": 300,  # for processes with lasting threads: the web server (common/handler.py), workers
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


def _seconds(name: str, default: float) -> float:
    value = os.environ.get(name) or str(default)
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 86400:
        raise SettingError(f"{name} is {value!r}: it takes a number of seconds.")
    return seconds


def _nightly() -> dt.time:
    value = os.environ.get("DUOLOGUE_NIGHTLY_AT") or "02:30"
    try:
        return dt.time.fromisoformat(value)
    except ValueError:
        raise SettingError(f"DUOLOGUE_NIGHTLY_AT is {value!r}: it takes HH:MM, in UTC.") from None


def secret(name: str) -> str:
    """A secret from NAME, or from the file that NAME_FILE names; empty where neither is set."""
    value = os.environ.get(name, "")
    if value or not (file := os.environ.get(f"{name}_FILE", "")):
        return value
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise SettingError(f"{name}_FILE {file!r} cannot be read: {error.strerror}.") from None


def _sign_on() -> list[dict[str, Any]]:
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
            "name": os.environ.get("DUOLOGUE_OIDC_NAME") or urlsplit(issuer).hostname,
            "client_id": client,
            "secret": client_secret,
            "settings": {"server_url": issuer, "oauth_pkce_enabled": True},
        }
    ]


def _sign_on_hosts() -> list[str]:
    """Origins that a sign-on form may lead to: the issuer's, and those of DUOLOGUE_OIDC_ORIGINS."""
    named = [os.environ.get("DUOLOGUE_OIDC_ISSUER", ""), *os.environ.get("DUOLOGUE_OIDC_ORIGINS", "").split()]
    origins = []
    for url in filter(None, named):
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or set(url) & set(";,\"'"):
            raise SettingError(f"DUOLOGUE_OIDC_ORIGINS holds {url!r}: it takes https://host addresses, space between.")
        origins.append(f"{parts.scheme}://{parts.netloc}")
    return origins


def _count(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or int(value) == 0:
        raise SettingError(f"{name} is {value!r}: it takes a whole number from 1.")
    return int(value)


def _api_rate() -> str:
    rate = os.environ.get("DUOLOGUE_API_RATE") or "1200/min"
    number, _, period = rate.partition("/")
    if not number.isdigit() or int(number) == 0 or period not in {"sec", "min", "hour", "day"}:
        raise SettingError(f"DUOLOGUE_API_RATE is {rate!r}: it takes a number of requests per user, as in 1200/min.")
    return rate


def _megabytes(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdigit() or not 1 <= int(value) <= 1024:
        raise SettingError(f"{name} is {value!r}: it takes whole megabytes, 1 to 1024.")
    return int(value) * 1024 * 1024
