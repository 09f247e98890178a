"""Widgets that are written by Python are, to the character, what Django's templates write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from itertools import product

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.forms.widgets import ChoiceWidget, Input, Widget
from django.test import override_settings
from django.utils import translation
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from common.form_renderer import WRITTEN, Renderer

TEXTS: Sequence[object] = (
    None, "", "plain", "<b>\"bold\"</b> & 'more'", mark_safe("<i>safe</i>"), lazystr("lazy <p>"), "two\nlines\n", 0,
    12345, -1234.5, True, False, ["a", "<b>"], ("x", 'y"'), date(2026, 3, 14), datetime(2026, 3, 14, 15, 9, 26),
    time(15, 9),
)  # fmt: skip
ATTRS: Sequence[Mapping[str, object] | None] = (
    None,
    {"id": "id_place", "class": "a b", "rows": 3, "min": 1234, "step": 0.5},
    {"id": 'q"<', "required": True, "disabled": False, "title": None, "data-x": mark_safe("<safe>"), 'odd"name': "v"},
    {"id": "", "aria-label": lazystr("lazy & label"), "data-y": (1, "two"), "type": "range", "value": "<other>"},
)
INPUTS: Sequence[type[Widget]] = (
    forms.TextInput, forms.NumberInput, forms.EmailInput, forms.URLInput, forms.SearchInput, forms.TelInput,
    forms.ColorInput, forms.PasswordInput, forms.HiddenInput, forms.DateInput, forms.DateTimeInput, forms.TimeInput,
    forms.CheckboxInput, forms.FileInput, forms.Textarea, Input,
)  # fmt: skip
LISTS: Sequence[type[ChoiceWidget]] = (
    forms.Select, forms.SelectMultiple, forms.RadioSelect, forms.CheckboxSelectMultiple,
)  # fmt: skip
CHOICES: Sequence[object] = (
    (),
    (("", "nothing"), ("a", "An <a> & more"), ("b", mark_safe("<b>safe</b>")), (None, lazystr("lazy <l>"))),
    ((1, 1000), (2, 1234.5), (3, date(2026, 3, 14)), (True, None)),
    (("a", "alone"), ("Group <1>", (("b", "B"), ("c", "C"))), (lazystr("Two"), ((12345, "D"),)), (98765, ((7, 8),))),
)  # fmt: skip
CHOSEN: Sequence[object] = (None, "", "a", "c", ["a", "b"], [1, 12345], True, "7")


class Ours(forms.Select):
    option_template_name = "django/forms/widgets/radio_option.html"


def both(widget: Widget, value: object, attrs: Mapping[str, object] | None) -> tuple[str, str]:
    one, other = (widget.render("na<me", value, dict(attrs or {}), renderer) for renderer in (Renderer(), TEMPLATES))
    return str(one), str(other)


TEMPLATES = DjangoTemplates()
LANGUAGES = pytest.mark.parametrize("language", ["en", "de"])


@LANGUAGES
@pytest.mark.parametrize("kind", INPUTS)
def test_an_input_is_what_its_template_writes(kind: type[Widget], language: str) -> None:
    with translation.override(language), override_settings(USE_THOUSAND_SEPARATOR=True):
        for value, attrs, localized in product(TEXTS, ATTRS, (False, True)):
            widget = kind({"placeholder": "<p>", "max": 5000})
            widget.is_localized = localized
            one, other = both(widget, value, attrs)
            assert one == other


@LANGUAGES
@pytest.mark.parametrize("kind", [*LISTS, Ours])
def test_a_list_is_what_its_template_writes_and_so_is_each_of_its_choices(
    kind: type[ChoiceWidget], language: str
) -> None:
    with translation.override(language), override_settings(USE_THOUSAND_SEPARATOR=True):
        for choices, value, attrs in product(CHOICES, CHOSEN, ATTRS[1:3]):
            widget = kind({"class": "list"})
            widget.choices = choices  # type: ignore[assignment]  # numbers and dates may be choices too
            one, other = both(widget, value, attrs)
            assert one == other
            for data, wrapped in product(widget.subwidgets("name", value, dict(attrs or {})), (False, True)):
                context = {"widget": {**data, "wrap_label": wrapped}}
                one, other = (r.render(data["template_name"], context) for r in (Renderer(), TEMPLATES))
                assert one == other


class Filled(forms.Form):
    title = forms.CharField(max_length=5, help_text="Short & sweet")
    number = forms.IntegerField(min_value=1000, localize=True, required=False)
    share = forms.FloatField(localize=True, required=False)
    day = forms.DateField(localize=True, required=False)
    kind = forms.ChoiceField(choices=[("a", "A"), ("More", [("b", "B<")])])
    many = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.CheckboxSelectMultiple)
    yes = forms.BooleanField(disabled=True)
    maybe = forms.NullBooleanField(required=False)
    hidden = forms.CharField(widget=forms.HiddenInput, show_hidden_initial=True)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"title": '"<too long>', "number": "12", "share": "x", "day": "1.2.3", "kind": "zz", "many": ["b", "zz"]},
        {"title": "abc", "number": "12.345", "share": "1234,5", "kind": "b", "many": ["a"], "yes": "on", "hidden": "'"},
    ],
)
def test_a_form_is_the_same_empty_filled_and_refused(data: dict[str, object] | None) -> None:
    initial = {"number": 12345, "share": 1234.5, "day": date(2026, 3, 14), "yes": True, "many": ["a"]}
    with translation.override("de"), override_settings(USE_THOUSAND_SEPARATOR=True):
        one, other = (Filled(data, initial=initial, renderer=renderer).as_div() for renderer in (Renderer(), TEMPLATES))
    assert one == other


def test_every_template_that_is_written_is_one_of_djangos() -> None:
    for name in WRITTEN:
        assert TEMPLATES.get_template(name)
