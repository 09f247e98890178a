"""The long rows of small fields on a card: a grade of seven, and fifteen flags.

Written here and not as loops of a template because four cards hold some five hundred of their nodes: as
templates they were half of the ranking page's rendering. A row is the same on each page but for what is chosen in
it, so each is written once in each language.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from common.translated import translated
from labeling.criteria import Criterion
from labeling.judgements import RATINGS
from labeling.pages.ranking import Card

register = template.Library()

ROWS = 1024  # of each kind, kept in the process
CHECKED = {True: mark_safe(" checked"), False: ""}
KEY = {True: mark_safe(' data-key="l" tabindex="-1"'), False: ""}  # of the first criterion
GRADE = "<label><input type=radio name=rating-{0} value={1}{2}>{1}</label>"
SCALE = (
    '<fieldset class="rate"{4}><legend>{0}</legend>'
    '<span class="ends">{2}</span><div class="segments">{1}</div>'
    '<span class="ends">{3}</span></fieldset>'
)
STEP = '<label><input type=radio name="rating-{0}-{1}" value={2}{3}>{2}</label>'
FLAG = '<label><input type=checkbox name=flag-{0} value="{1}"{2}>{3}</label>'


@register.simple_tag
def grades(card: Card) -> SafeString:
    """A radio button for each overall grade."""
    return _grades(card.letter, card.rating)


@lru_cache(maxsize=ROWS)
def _grades(letter: str, given: str) -> SafeString:
    return format_html_join("", GRADE, ((letter, str(grade), CHECKED[given == str(grade)]) for grade in RATINGS))


@register.simple_tag
def criteria_of(card: Card, asked: Sequence[Criterion]) -> SafeString:
    """A row of grades for each of the project's criteria."""
    rows = (
        (translated(each["name"]), _steps(card, each), gettext("not at all"), gettext("fully"), KEY[number == 0])
        for number, each in enumerate(asked)
    )
    return format_html_join("", SCALE, rows)


def _steps(card: Card, criterion: Criterion) -> SafeString:
    name, given = criterion["name"], card.criteria.get(criterion["name"])
    steps = range(1, criterion["steps"] + 1)
    return format_html_join("", STEP, ((card.letter, name, str(step), CHECKED[given == step]) for step in steps))


@register.simple_tag
def flag_boxes(card: Card, flags: Sequence[str]) -> SafeString:
    """A box to tick for each of the project's flags."""
    return _flag_boxes(get_language(), card.letter, tuple(flags), frozenset(card.flags).intersection(flags))


@lru_cache(maxsize=ROWS)
def _flag_boxes(_language: str, letter: str, flags: Sequence[str], ticked: Collection[str]) -> SafeString:
    return format_html_join("", FLAG, ((letter, name, CHECKED[name in ticked], translated(name)) for name in flags))
