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


@dataclass(frozen=True)
class Readiness:
    ready: bool
    waiting_for: str = ""
    hopeless: str = ""  # why it will never be ready


def ask(url: str, *, sampler: bool) -> Readiness:
    """Whether all is ready; without `sampler` it runs elsewhere, now or later, and is not waited for."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        try:
            body = json.load(error)
        except ValueError:
            return Readiness(False, f"the web server answers {error.code}")
    except (OSError, ValueError):
        return Readiness(False, "the web server does not answer yet")
    checks: dict[str, Check] = body.get("checks", {})
    if not sampler:
        checks.pop("sampler", None)
    bad = {name: check["detail"] for name, check in checks.items() if not check["ok"]}
    failed = checks.get("sampler", {}).get("failed", "")
    return Readiness(not bad, "; ".join(f"{name}: {detail}" for name, detail in bad.items()), failed)
