"""The sentence of a notice, in the language of the page."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

from accounts.models import Notice
from accounts.notices import SENTENCES

register = template.Library()


@register.filter
def sentence(notice: Notice) -> str:
    return gettext(SENTENCES[notice.kind]) % {"subject": notice.subject}
