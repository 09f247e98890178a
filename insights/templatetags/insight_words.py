"""Words of the dashboards: what a state means to a reader, and moments of a report, which are ISO texts there. And the
cells of their tables, which a template's loops would write at four times the cost."""

from datetime import datetime
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop

from insights.table_output import Shown

register = template.Library()
COMPARISONS = {
    "sampling": gettext_noop("answers are being written"),
    "open": gettext_noop("open for votes"),
    "closed": gettext_noop("has all the votes it wanted"),
    "discarded": gettext_noop("put aside: it could not be ranked"),
}
DIALOGUES = {
    "draft": gettext_noop("being worked on"),
    "submitted": gettext_noop("handed in"),
    "accepted": gettext_noop("accepted"),
    "returned": gettext_noop("returned"),
    "discarded": gettext_noop("given up, or taken back"),
}


@register.filter
def comparison_in_words(state: str) -> str:
    return gettext(COMPARISONS.get(state, state))


@register.filter
def dialogue_in_words(state: str) -> str:
    return gettext(DIALOGUES.get(state, state))


@register.filter
def moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


@register.simple_tag
def heads_of(table: Shown) -> SafeString:
    return _cells('<th scope="col" {}>{}</th>', table.heads)


@register.simple_tag
def rows_of(table: Shown) -> SafeString:
    return mark_safe("".join([f"<tr>{_cells('<td {}>{}</td>', row)}</tr>" for row in table.body]))


def _cells(form: str, cells: list[tuple[str, bool]]) -> SafeString:
    return mark_safe("".join([form.format('class="num"' if number else "", escape(cell)) for cell, number in cells]))
