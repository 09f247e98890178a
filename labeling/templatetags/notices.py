"""The sentence of a notice, in the language of the page."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.translation import gettext

from accounts.models import Notice, User
from accounts.notices import SENTENCES
from labeling.pages.notices import settled

register = template.Library()


@register.filter
def sentence(notice: Notice) -> str:
    return gettext(SENTENCES[notice.kind]) % {"subject": notice.subject}


@register.filter
def settled_for(notices: Sequence[Notice], user: User) -> set[int]:
    """Which of them tell of work that waits for nothing any more."""
    return settled(list(notices), user)
