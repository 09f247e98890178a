"""The long rows of small fields on a card: a grade of seven, and fifteen flags.

Written here and not as loops of a template because four cards hold some five hundred of their nodes: as
templates they were half of the ranking page's rendering.
"""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from common.translated import translated
from labeling.criteria import Criterion
from labeling.judgements import RATINGS
from labeling.pages.ranking import Card

register = template.Library()

CHECKED = {True: mark_safe(" checked"), False: ""}
GRADE = '<label><input type="radio" name="rating-{0}" value="{1}"{2}><span>{1}</span></label>'
SCALE = (
    '<fieldset class="rate" data-steps="{1}" data-key="l" tabindex="-1"><legend class="label">{0}</legend>'
    '<span class="ends" aria-hidden="true">{3}</span><div class="segments">{2}</div>'
    '<span class="ends" aria-hidden="true">{4}</span></fieldset>'
)
STEP = '<label><input type="radio" name="criterion-{0}-{1}" value="{2}"{3}><span>{2}</span></label>'
FLAG = '<label><input type="checkbox" name="flag-{0}" value="{1}"{2}><span>{3}</span></label>'


@register.simple_tag
def grades(card: Card) -> SafeString:
    """A radio button for each overall grade."""
    return format_html_join(
        "", GRADE, ((card.letter, str(grade), CHECKED[card.rating == str(grade)]) for grade in RATINGS)
    )


@register.simple_tag
def criteria_of(card: Card, asked: Sequence[Criterion]) -> SafeString:
    """A row of grades for each of the project's criteria."""
    rows = (
        (translated(each["name"]), each["steps"], _steps(card, each), gettext("not at all"), gettext("fully"))
        for each in asked
    )
    return format_html_join("", SCALE, rows)


def _steps(card: Card, criterion: Criterion) -> SafeString:
    name, given = criterion["name"], card.criteria.get(criterion["name"])
    steps = range(1, criterion["steps"] + 1)
    return format_html_join("", STEP, ((card.letter, name, str(step), CHECKED[given == step]) for step in steps))


@register.simple_tag
def flag_boxes(card: Card, flags: Sequence[str]) -> SafeString:
    """A box to tick for each of the project's flags."""
    return format_html_join(
        "", FLAG, ((card.letter, name, CHECKED[name in card.flags], translated(name)) for name in flags)
    )
