"""Template filters over `labeling/pages/markdown.py`, and a few words of time and number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.timesince import timesince

from labeling.pages import markdown
from labeling.text import opening

register = template.Library()

register.filter("markdown", markdown.to_html)
register.filter("guidelines", markdown.guidelines_to_html)
register.filter("is_long", markdown.is_long)
register.filter("opening", opening)


@register.filter
def ago(moment: datetime) -> str:
    """'just now', or how long ago in words."""
    if (timezone.now() - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, depth=1)} ago"


@register.filter
def at(mapping: Mapping[object, object], key: object) -> object:
    """`mapping|at:key`, empty where there is none."""
    return mapping.get(key, "")
