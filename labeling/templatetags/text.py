"""Template filters over `labeling/rendering.py`, and a few words of time and number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from labeling import rendering
from labeling.text import opening

register = template.Library()

register.filter("is_long", rendering.is_long)
register.filter("opening", opening)


@register.filter
def markdown(text: str) -> SafeString:
    return rendering.markdown(text)


@register.filter
def guidelines(text: str) -> SafeString:
    return rendering.guidelines(text)


@register.filter
def ago(moment: datetime) -> str:
    """'just now', or how long ago in words."""
    if (timezone.now() - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, depth=1)} ago"


@register.filter
def at(mapping: dict[Any, Any], key: Any) -> Any:
    """`mapping|at:key`, empty where there is none."""
    return mapping.get(key, "")
