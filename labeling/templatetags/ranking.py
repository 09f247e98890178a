"""The long rows of small fields on a card: a grade of seven, and fifteen flags.

Written here and not as loops of a template because four cards hold some five hundred of their nodes: as
templates they were half of the ranking page's rendering.
"""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from labeling.judgements import RATINGS
from labeling.pages.ranking import Card

register = template.Library()

CHECKED = {True: mark_safe(" checked"), False: ""}
GRADE = '<label><input type="radio" name="rating-{0}" value="{1}"{2}><span>{1}</span></label>'
FLAG = '<label><input type="checkbox" name="flag-{0}" value="{1}"{2}><span>{1}</span></label>'


@register.simple_tag
def grades(card: Card) -> SafeString:
    """A radio button for each overall grade."""
    return format_html_join(
        "", GRADE, ((card.letter, str(grade), CHECKED[card.rating == str(grade)]) for grade in RATINGS)
    )


@register.simple_tag
def flag_boxes(card: Card, flags: Sequence[str]) -> SafeString:
    """A box to tick for each of the project's flags."""
    return format_html_join("", FLAG, ((card.letter, name, CHECKED[name in card.flags]) for name in flags))
