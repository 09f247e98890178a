"""Every setting that the environment holds, read at once."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from common import embedded
from common.environment import filters, services, sign_on, values
from common.environment.filters import FilterSettings
from common.environment.secret_key import secret_key
from common.environment.services import DatabaseSettings
from common.environment.sign_on import Provider
from common.environment.values import SettingError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Environment:
    var_dir: Path
    debug: bool
    secret_key: str
    public_url: str
    public_path: str
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    database: DatabaseSettings
    redis_url: str
    celery_broker_url: str
    email: dict[str, object]
    nightly_at: dt.time
    hsts_subdomains: bool
    sign_on: list[Provider]
    sign_on_hosts: list[str]
    api_rate: str
    web_threads: int
    max_upload_bytes: int
    backups: str
    disk_low: int | None
    log_level: str
    log_format: str
    webhooks_to_private_addresses: bool
    filters: FilterSettings
    hub_endpoint: str
    hub_namespaces: dict[str, frozenset[str]]
    sampler_memory_limit: int | None
    sampler_grace: float
    sampler_lease: float


def read(base_dir: Path) -> Environment:
    """Read every setting.

    Raises:
        SettingError: a variable holds something that cannot be used.
    """
    services.spare_loopback()
    var = var_dir(base_dir)
    ours = embedded.discover(var)
    redis_url = os.environ.get("REDIS_URL") or ours.redis_url
    public_url = _public_url()
    hosts = ["127.0.0.1", "localhost", "[::1]"]
    if public_url:
        hosts.append(urlsplit(public_url).hostname or "")
    return Environment(
        var_dir=var,
        debug=values.flag("DUOLOGUE_DEBUG"),
        secret_key=secret_key(var),
        public_url=public_url,
        allowed_hosts=hosts,
        public_path=urlsplit(public_url).path,
        csrf_trusted_origins=[_origin(public_url)] if public_url else [],
        database=services.database_settings(os.environ.get("DATABASE_URL") or ours.database_url),
        redis_url=services.redis(redis_url),
        celery_broker_url=services.celery_form(redis_url),
        email=services.email(),
        nightly_at=_nightly(),
        hsts_subdomains=values.flag("DUOLOGUE_HSTS_SUBDOMAINS"),
        sign_on=sign_on.providers(),
        sign_on_hosts=sign_on.form_origins(),
        api_rate=_api_rate(),
        web_threads=values.count("DUOLOGUE_WEB_THREADS", 16),
        max_upload_bytes=values.megabytes("DUOLOGUE_MAX_UPLOAD_MB", 10),
        backups=os.environ.get("DUOLOGUE_BACKUPS", ""),
        disk_low=values.size("DUOLOGUE_DISK_LOW"),
        log_level=_one_of("DUOLOGUE_LOG_LEVEL", "INFO", LEVELS),
        log_format=_one_of("DUOLOGUE_LOG_FORMAT", "TEXT", ("TEXT", "JSON")),
        webhooks_to_private_addresses=values.flag("DUOLOGUE_WEBHOOKS_TO_PRIVATE_ADDRESSES"),
        filters=filters.read(),
        hub_endpoint=(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/"),
        hub_namespaces=values.namespaces("DUOLOGUE_HUB_NAMESPACES"),
        sampler_memory_limit=values.size("SAMPLER_MEMORY_LIMIT"),
        sampler_grace=values.seconds("SAMPLER_GRACE", 20.0),
        sampler_lease=max(1.0, values.seconds("SAMPLER_LEASE", 60.0)),
    )


def var_dir(base_dir: Path) -> Path:
    """Where all data lives: DUOLOGUE_VAR, or `var` beside the code."""
    return Path(os.environ.get("DUOLOGUE_VAR") or base_dir / "var").expanduser().resolve()


def _public_url() -> str:
    url = os.environ.get("DUOLOGUE_URL", "").rstrip("/")
    if url:
        parts = urlsplit(url)
        plain = re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", parts.path) and not parts.query and not parts.fragment
        if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
            raise SettingError(f"DUOLOGUE_URL is {url!r}: it takes http(s)://host[:port], with a path if you like.")
    return url


def _origin(url: str) -> str:
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"


def _nightly() -> dt.time:
    value = os.environ.get("DUOLOGUE_NIGHTLY_AT") or "02:30"
    try:
        return dt.time.fromisoformat(value)
    except ValueError:
        raise SettingError(f"DUOLOGUE_NIGHTLY_AT is {value!r}: it takes HH:MM, in UTC.") from None


def _api_rate() -> str:
    rate = os.environ.get("DUOLOGUE_API_RATE") or "1200/min"
    number, _, period = rate.partition("/")
    if not number.isdigit() or int(number) == 0 or period not in {"sec", "min", "hour", "day"}:
        raise SettingError(f"DUOLOGUE_API_RATE is {rate!r}: it takes a number of requests per user, as in 1200/min.")
    return rate


def _one_of(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = (os.environ.get(name) or default).upper()
    if value not in choices:
        raise SettingError(f"{name} is {value!r}: it takes {', '.join(choices).lower()}.")
    return value
