"""Words of the dashboards: what a state means to a reader, and moments of a report, which are ISO texts there."""

from datetime import datetime

from django import template
from django.utils.translation import gettext, gettext_noop

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
