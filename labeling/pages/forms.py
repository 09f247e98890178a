"""What the pages of a dialogue send, read into plain values; the ranking page: `ranking_form.py`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext, gettext_noop

from labeling import time_sheet
from labeling.errors import Invalid
from labeling.feedback import ONLY_REPORTED
from labeling.models import Turn
from labeling.pages.composer import Composer
from labeling.time_sheet import Month

PRAISE = (
    gettext_noop("helpful"), gettext_noop("correct"), gettext_noop("well written"), gettext_noop("right length"),
    gettext_noop("careful"),
)  # fmt: skip
COMPLAINTS = (
    gettext_noop("not true"),
    gettext_noop("not helpful"),
    gettext_noop("ignores the instruction"),
    gettext_noop("too long"),
    gettext_noop("harmful or unsafe"),
    gettext_noop("refused needlessly"),
    gettext_noop("guessed instead of asking"),
)  # fmt: skip


class ComposerForm(forms.Form):
    """What the composer of a dialogue holds; every field may be missing."""

    role = forms.ChoiceField(choices=Turn.Role.choices, required=False)
    text = forms.CharField(required=False, strip=False)
    completion = forms.UUIDField(required=False)
    position = forms.IntegerField(min_value=0, max_value=10_000, required=False)
    edit_turn = forms.UUIDField(required=False)
    edit_text = forms.CharField(required=False, strip=False)
    seconds = forms.IntegerField(min_value=0, required=False)
    pasted = forms.IntegerField(min_value=0, max_value=10_000_000, required=False)
    draft_version = forms.IntegerField(min_value=0, required=False)

    def composer(self, before: Composer) -> Composer:
        """The stored composer with the posted fields in it."""
        kept = dict(before)
        for name in ("role", "text", "position", "edit_text", "pasted"):
            if name in self.data:
                kept[name] = self.cleaned_data[name]
        for name in ("completion", "edit_turn"):
            if name in self.data:
                kept[name] = str(self.cleaned_data[name]) if self.cleaned_data[name] else ""
        return kept


class FeedbackForm(forms.Form):
    thumb = forms.ChoiceField(choices=[("up", "up"), ("down", "down")])
    reasons = forms.MultipleChoiceField(
        choices=[(word, word) for word in (*PRAISE, *COMPLAINTS, *sorted(ONLY_REPORTED))], required=False
    )
    comment = forms.CharField(max_length=4000, required=False)


def number(value: str | None) -> int | None:
    """A posted whole number, None where there is none."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None


def require_valid(form: forms.Form) -> None:
    """Raises Invalid, in words, where a posted form cannot be read."""
    if not form.is_valid():
        words = " ".join(str(message) for messages in form.errors.values() for message in messages)
        raise Invalid("That could not be read: %(words)s", words=words)


def readable(post: QueryDict) -> dict[str, object]:
    """The texts of a composer whose fields cannot be read, without what no text can hold: nothing typed is lost."""
    return {name: post.get(name, "").replace("\0", "") for name in ("text", "edit_text") if name in post}


def chosen(post: QueryDict, name: str, choices: Collection[str]) -> str:
    """What one of a page's own buttons says.

    Raises:
        BadRequest: the page has no such button.
    """
    value = post.get(name, "")
    if value not in choices:
        raise BadRequest(f"{name} is one of {', '.join(choices)}.")
    return value


def filtered(request: HttpRequest, name: str, choices: Collection[str]) -> str:
    """What a list is narrowed to by this filter, empty for all of it. A value that the filter does not have narrows
    nothing, and the page says so."""
    value = request.GET.get(name, "")
    if not value or value in choices:
        return value
    _not_narrowed(request, value)
    return ""


def month_of(request: HttpRequest) -> Month:
    """As `filtered`, of a sheet of a month: this one where none is named."""
    value = request.GET.get("month", "")
    month = time_sheet.month_of(value)
    if value and month.name != value:
        _not_narrowed(request, value)
    return month


def _not_narrowed(request: HttpRequest, value: str) -> None:
    told = gettext("The list is not narrowed to “%(value)s”: there is no such thing here.")
    messages.error(request, told % {"value": value.replace("\0", "")[:40]})


def all_of(values: Sequence[str], choices: Collection[str]) -> list[str]:
    """What was ticked in a list.

    Raises:
        Invalid: a value that the list does not have; nothing of it is to be stored.
    """
    for value in values:
        if value not in choices:
            raise Invalid("Nothing was saved: “%(value)s” is not in the list.", value=value[:40])
    return [*values]
