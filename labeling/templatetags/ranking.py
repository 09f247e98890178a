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
GRADE = (
    '<span><input type="radio" id="r-{0}{2}" name="rating-{1}" value="{2}"{3}><label for="r-{0}{2}">{2}</label></span>'
)
FLAG = (
    '<span class="chip"><input type="checkbox" id="f-{0}{2}" name="flag-{1}" value="{3}"{4}>'
    '<label for="f-{0}{2}">{3}</label></span>'
)


@register.simple_tag
def grades(card: Card) -> SafeString:
    """A radio button for each overall grade."""
    return format_html_join(
        "", GRADE, ((card.letter, card.id, str(grade), CHECKED[card.rating == str(grade)]) for grade in RATINGS)
    )


@register.simple_tag
def flag_boxes(card: Card, flags: Sequence[str]) -> SafeString:
    """A box to tick for each of the project's flags."""
    rows = ((card.letter, card.id, str(n), name, CHECKED[name in card.flags]) for n, name in enumerate(flags, 1))
    return format_html_join("", FLAG, rows)
