"""Form fields of the project forms that Django has no class for."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from common import plugins
from common.visible import visible
from labeling.criteria import Criterion, check_criteria
from labeling.errors import Invalid


def without_null(value: object) -> str:
    """A text that is about to become a list, whose validators see no text any more. No column holds the character."""
    text = str(value or "")
    ProhibitNullCharactersValidator()(text)
    return text


def seen_title(title: str) -> str:
    """The title, of which a reader sees something: pages name a project by it alone.

    Raises:
        ValidationError: it holds nothing but characters that are drawn as nothing.
    """
    if not visible(title):
        raise forms.ValidationError(gettext("Nothing of the title can be seen."))
    return title


class Lines(forms.CharField):
    """A list, one item a line."""

    def prepare_value(self, value: object) -> object:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]  # a list is what a JSON column holds
        lines = [" ".join(line.split()) for line in without_null(value).splitlines()]
        return list(dict.fromkeys(line for line in lines if line))


class Criteria(forms.CharField):
    """Criteria with their steps, one a line: `honest: 5`. Without a number it has 7."""

    def prepare_value(self, value: object) -> object:
        return "\n".join(f"{one['name']}: {one['steps']}" for one in value) if isinstance(value, list) else value

    def to_python(self, value: object) -> list[Criterion]:  # type: ignore[override]  # a list is what a JSON column holds
        found = []
        for line in filter(str.strip, without_null(value).splitlines()):
            name, colon, steps = line.rpartition(":")
            numbered = bool(colon) and steps.strip().isdecimal()
            found.append({"name": (name if numbered else line).strip(), "steps": int(steps) if numbered else 7})
        try:
            return check_criteria(found)
        except Invalid as error:
            raise forms.ValidationError(str(error)) from None


def task_types() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ").capitalize()) for name in plugins.choices("labeling.task_types")]


def export_configurations() -> list[tuple[str, str]]:
    """Names of files only: what they hold belongs to a layer above."""
    return [(name, name) for name in plugins.choices(settings.EXPORT_FORMATS)]


def number(label: str, sentence: str, *, low: float, high: float, whole: bool = False) -> forms.Field:
    if whole:
        return forms.IntegerField(
            label=label,
            help_text=sentence,
            min_value=int(low),
            max_value=int(high),
            widget=UnfoldAdminIntegerFieldWidget,
        )
    return forms.FloatField(
        label=label, help_text=sentence, min_value=low, max_value=high, widget=UnfoldAdminDecimalFieldWidget
    )


def switch(label: str, sentence: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanSwitchWidget, help_text=sentence)
