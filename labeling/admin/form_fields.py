"""Form fields of the project forms that Django has no class for."""

from __future__ import annotations

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from common import plugins


class Lines(forms.CharField):
    """A list, one item a line."""

    def prepare_value(self, value: object) -> object:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]  # a list is what a JSON column holds
        lines = [" ".join(line.split()) for line in str(value or "").splitlines()]
        return list(dict.fromkeys(line for line in lines if line))


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
