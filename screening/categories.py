"""Our words for kinds of harm, which filters translate theirs into, so that a project's thresholds mean one thing.
They are stored and exported as they stand here; pages show them translated."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_noop

SELF_HARM = gettext_noop("self-harm")
VIOLENCE = gettext_noop("violence")
WEAPONS = gettext_noop("weapons")
SEXUAL = gettext_noop("sexual")
CHILDREN = gettext_noop("sexual abuse of children")
HATE = gettext_noop("hate")
HARASSMENT = gettext_noop("harassment")
CRIME = gettext_noop("crime")
PERSONAL = gettext_noop("personal data")
ADVICE = gettext_noop("professional advice")
DEFAMATION = gettext_noop("defamation")
COPYRIGHT = gettext_noop("intellectual property")
ELECTIONS = gettext_noop("elections")
JAILBREAK = gettext_noop("jailbreak")
OTHER = gettext_noop("other")
EVERY = (
    SELF_HARM, VIOLENCE, WEAPONS, SEXUAL, CHILDREN, HATE, HARASSMENT, CRIME, PERSONAL, ADVICE, DEFAMATION, COPYRIGHT,
    ELECTIONS, JAILBREAK, OTHER,
)  # fmt: skip


def warning_at_half(categories: Iterable[str]) -> dict[str, float]:
    """Each category, in this order, warning from 0.5 on."""
    return dict.fromkeys(categories, 0.5)
