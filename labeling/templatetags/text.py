"""Template filters over `labeling/pages/markdown.py`, and a few words of time and number."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from django import template
from django.template import defaultfilters
from django.template.defaultfilters import stringfilter
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext

from accounts.languages import name_of
from common.shapes import Message
from labeling.pages import markdown
from labeling.pages.markdown import directions
from labeling.text import as_read, opening

FROM_THE_RIGHT = mark_safe(' data-side="right"')  # css/duologue.css: with all of its paragraphs

register = template.Library()

register.filter("guidelines", markdown.guidelines_to_html)
register.filter("is_long", markdown.is_long)


@register.filter("opening")
def first_words(messages: Sequence[Message]) -> str:
    return as_read(opening(messages))


@register.filter("markdown")
def rendered(text: str) -> SafeString:
    return markdown.to_html(as_read(text))


@register.filter
def as_written(text: str) -> SafeString:
    return markdown.as_written(as_read(text))


@register.simple_tag
def written_in(language: str, text: str = "") -> SafeString:
    """The attributes `lang` and `dir` of a text or an editor in a project's language, a BCP 47 tag. Where that is
    written from the left, the direction is each text's own. Where it is written from the right, `text` is, and each
    of its paragraphs, whatever it begins with; one without a letter of such a script keeps its own direction."""
    attributes, from_the_right = _written_in(language)
    return attributes + FROM_THE_RIGHT if from_the_right and directions.LETTER.search(text) else attributes


@lru_cache(maxsize=256)
def _written_in(language: str) -> tuple[SafeString, bool]:
    from_the_right = directions.from_the_right(language)
    side = "rtl" if from_the_right else "auto"
    if not directions.TAG.fullmatch(language):
        return format_html(' dir="{}"', side), from_the_right
    return format_html(' lang="{}" dir="{}"', language, side), from_the_right


@register.simple_tag
def radios(name: str, values: Sequence[str]) -> SafeString:
    """A button for each value, in the reader's language, one of which must be chosen."""
    return _radios(name, tuple((value, gettext(value)) for value in values))


@lru_cache(maxsize=64)
def _radios(name: str, values: tuple[tuple[str, str], ...]) -> SafeString:
    button = '<label><input type="radio" name="{}" value="{}" required> {}</label>'
    return format_html_join("", button, ((name, value, shown) for value, shown in values))


@register.filter
def language_names(tags: list[str]) -> str:
    return ", ".join(name_of(tag) for tag in tags)


@register.filter
def last_line(text: str) -> SafeString:
    """An empty last line has to be said twice: a browser neither shows nor copies the line end that ends a block."""
    return mark_safe("<br>" if text.endswith(("\n", "\r")) else "")


@register.filter(is_safe=True)
@stringfilter
def truncatechars(text: str, length: int) -> str:
    """As Django's, which counts each character of a text that is short enough too."""
    whole = unicodedata.normalize("NFC", text)
    return whole if len(whole) <= length else defaultfilters.truncatechars(text, length)


@register.filter(expects_localtime=True)
def iso(moment: datetime) -> str:
    """For the attribute `datetime`: as Django's `date:"c"`."""
    return moment.isoformat()


@register.filter
def ago(moment: datetime) -> str:
    """'just now', or how long ago in words."""
    if (timezone.now() - moment).total_seconds() < 60:
        return gettext("just now")
    return gettext("%s ago") % timesince(moment, depth=1)


@register.filter
def at(mapping: Mapping[object, object] | str, key: object) -> object:
    """`mapping|at:key`, empty where there is none, or no mapping."""
    return mapping.get(key, "") if isinstance(mapping, Mapping) else ""
