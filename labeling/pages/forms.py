"""What the pages of a dialogue send, read into plain values; the ranking page: `ranking_form.py`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django import forms
from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.utils.translation import gettext_noop

from labeling.errors import Invalid
from labeling.feedback import ONLY_REPORTED
from labeling.models import Turn
from labeling.pages.composer import Composer

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


def chosen(post: QueryDict, name: str, choices: Collection[str]) -> str:
    """What one of a page's own buttons says.

    Raises:
        BadRequest: the page has no such button.
    """
    value = post.get(name, "")
    if value not in choices:
        raise BadRequest(f"{name} is one of {', '.join(choices)}.")
    return value


def all_of(values: Sequence[str], choices: Collection[str]) -> list[str]:
    """What was ticked in a list.

    Raises:
        Invalid: a value that the list does not have; nothing of it is to be stored.
    """
    for value in values:
        if value not in choices:
            raise Invalid("Nothing was saved: “%(value)s” is not in the list.", value=value[:40])
    return [*values]
