"""Template filters over `labeling/rendering.py`, and a few words of time and number."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from labeling import rendering

register = template.Library()

register.filter("is_long", rendering.is_long)


@register.filter
def markdown(text: str) -> SafeString:
    return rendering.markdown(text)


@register.filter
def guidelines(text: str) -> SafeString:
    return rendering.guidelines(text)


@register.filter
def at(mapping: dict[Any, Any], key: Any) -> Any:
    """`mapping|at:key`, empty where there is none."""
    return mapping.get(key, "")
