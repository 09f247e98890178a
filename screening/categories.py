"""Our words for kinds of harm, which filters translate theirs into, so that a project's thresholds mean one thing."""

from __future__ import annotations

from collections.abc import Iterable

SELF_HARM = "self-harm"
VIOLENCE = "violence"
WEAPONS = "weapons"
SEXUAL = "sexual"
CHILDREN = "sexual abuse of children"
HATE = "hate"
HARASSMENT = "harassment"
CRIME = "crime"
PERSONAL = "personal data"
ADVICE = "professional advice"
DEFAMATION = "defamation"
COPYRIGHT = "intellectual property"
ELECTIONS = "elections"
JAILBREAK = "jailbreak"
OTHER = "other"


def warning_at_half(categories: Iterable[str]) -> dict[str, float]:
    """Each category, in this order, warning from 0.5 on."""
    return dict.fromkeys(categories, 0.5)
