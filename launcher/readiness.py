"""Asking the web server whether everything is ready."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TypedDict


class Check(TypedDict, total=False):
    """One of the checks of `/readyz`."""

    ok: bool
    detail: str
    failed: str  # why it will not get better by itself


LATER = {"worker", "sampler"}  # what pages do without: replies, suggestions and exports then come later
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # this machine is asked without http_proxy


@dataclass(frozen=True)
class Readiness:
    ready: bool
    people: bool = False  # whether they can sign in and work, though no model or worker answers yet
    waiting_for: str = ""
    hopeless: str = ""  # why it will never be ready


def ask(url: str, *, sampler: bool) -> Readiness:
    """Whether all is ready; without `sampler` it runs elsewhere, now or later, and the start does not wait for it."""
    checks = _checks(url)
    if isinstance(checks, str):
        return Readiness(False, waiting_for=checks)
    if not sampler:
        checks.pop("sampler", None)
    bad = {name: check["detail"] for name, check in checks.items() if not check["ok"]}
    failed = checks.get("sampler", {}).get("failed", "")
    waiting_for = "; ".join(f"{name}: {detail}" for name, detail in bad.items())
    return Readiness(not bad, bad.keys() <= LATER, waiting_for, failed)


def web_answers(url: str) -> bool:
    try:
        with _direct.open(f"{url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):
        return False


def is_alive(url: str, name: str) -> bool:
    """Whether the worker or sampler shows signs of life. True where that cannot be known, which is not its fault."""
    checks = _checks(url)
    if isinstance(checks, str) or not all(checks.get(other, {}).get("ok") for other in ("database", "redis")):
        return True
    check = checks.get(name, {})
    return bool(check.get("ok")) or "is alive" not in check.get("detail", "")


def _checks(url: str) -> dict[str, Check] | str:
    """What `/readyz` tells, or why it tells nothing."""
    try:
        with _direct.open(f"{url}/readyz", timeout=5) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            body = json.load(error)
        except ValueError:
            return f"the web server answers {error.code}"
    except (OSError, ValueError):
        return "the web server does not answer yet"
    checks: dict[str, Check] = body.get("checks", {})
    return checks
