"""What the content filters that need something are told by the operator: a checkpoint, and servers that are asked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from common import outgoing
from common.environment.values import SettingError, seconds, secret


@dataclass(frozen=True)
class FilterServer:
    """A server that judges texts."""

    url: str
    model: str
    kind: str = ""  # of a guard model: a file of `screening/guards`
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class FilterSettings:
    """None or empty: the filter is not set up here, and counts as down where it is asked."""

    classifier: str = ""  # a folder, or a name on the hub
    classifier_labels: dict[str, str] = field(default_factory=dict)  # category by label; empty: harmless
    guard: FilterServer | None = None
    moderations: FilterServer | None = None
    timeout: float = 10.0  # seconds for one question to a server, retries included


def read() -> FilterSettings:
    guard_url = os.environ.get("DUOLOGUE_GUARD_URL", "").rstrip("/")
    guard_model = os.environ.get("DUOLOGUE_GUARD_MODEL", "")
    guard_kind = os.environ.get("DUOLOGUE_GUARD_KIND", "")
    if guard_url and not (guard_model and guard_kind):
        raise SettingError("DUOLOGUE_GUARD_URL needs DUOLOGUE_GUARD_MODEL and DUOLOGUE_GUARD_KIND.")
    moderations_url = os.environ.get("DUOLOGUE_MODERATIONS_URL", "").rstrip("/")
    moderations_model = os.environ.get("DUOLOGUE_MODERATIONS_MODEL", "omni-moderation-latest")
    for name, url in (("DUOLOGUE_GUARD_URL", guard_url), ("DUOLOGUE_MODERATIONS_URL", moderations_url)):
        if url and (trouble := outgoing.trouble_with(url, ask=False)):
            raise SettingError(f"{name}: {trouble}")
    return FilterSettings(
        classifier=os.environ.get("DUOLOGUE_CLASSIFIER", ""),
        classifier_labels=_labels("DUOLOGUE_CLASSIFIER_LABELS"),
        guard=FilterServer(guard_url, guard_model, guard_kind, secret("DUOLOGUE_GUARD_KEY")) if guard_url else None,
        moderations=(
            FilterServer(moderations_url, moderations_model, key=secret("DUOLOGUE_MODERATIONS_KEY"))
            if moderations_url
            else None
        ),
        timeout=max(0.1, seconds("DUOLOGUE_FILTER_TIMEOUT", 10.0)),
    )


def _labels(name: str) -> dict[str, str]:
    """`toxic=hate, neutral=`: which of our categories a label of the classifier is; none: it is harmless."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in os.environ.get(name, "").split(","))):
        label, equals, category = (piece.strip() for piece in part.partition("="))
        if not label or not equals or len(category) > 60:
            raise SettingError(
                f"{name} holds {part!r}: it takes LABEL=CATEGORY by commas, and LABEL= for a harmless one."
            )
        found[label] = category
    return found
