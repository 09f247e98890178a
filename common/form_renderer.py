"""Django's form widgets as HTML, written by Python: the same characters as its templates write.

A template for each input, included by another and including a third for its attributes, was two thirds of a page of
sixty fields. Widgets that are not named in WRITTEN are rendered by their templates, as before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TypedDict, cast

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.template.base import render_value_in_context
from django.template.context import Context
from django.utils.safestring import SafeString

WIDGETS = "django/forms/widgets"
OPTION = f"{WIDGETS}/select_option.html"


class Widget(TypedDict, total=False):
    """What Django's `Widget.get_context` makes, and of lists `create_option`."""

    name: str
    type: str
    value: object
    attrs: dict[str, object]
    optgroups: list[tuple[object, list[Widget], int]]
    template_name: str
    label: object
    wrap_label: bool


class Renderer(DjangoTemplates):
    def render(self, template_name: str, context: dict[str, object], request: HttpRequest | None = None) -> str:
        write = WRITTEN.get(template_name)
        html = write(cast(Widget, context["widget"])) if write else None
        return super().render(template_name, context, request) if html is None else html.strip()


def _input(widget: Widget) -> str:
    """input.html."""
    value = widget["value"]
    said = "" if value is None else f' value="{_text(value)}"'
    return f'<input type="{_text(widget["type"])}" name="{_text(widget["name"])}"{said}{_attributes(widget)}>\n'


def _input_option(widget: Widget) -> str:
    """input_option.html: a radio button or a box, within its label where that is wanted."""
    if not widget["wrap_label"]:
        return _input(widget)
    id_ = widget["attrs"].get("id")
    place = f' for="{_variable(id_)}"' if id_ else ""
    return f"<label{place}>{_input(widget)} {_variable(widget['label'])}</label>\n"


def _textarea(widget: Widget) -> str:
    """textarea.html."""
    value = _variable(widget["value"]) if widget["value"] else ""
    return f'<textarea name="{_text(widget["name"])}"{_attributes(widget)}>\n{value}</textarea>\n'


def _select(widget: Widget) -> str | None:
    """select.html; None where an option has a template of its own."""
    parts = [f'<select name="{_text(widget["name"])}"{_attributes(widget)}>']
    for group, options, _ in widget["optgroups"]:
        if group:
            parts.append(f'\n  <optgroup label="{_variable(group)}">')
        for option in options:
            if option["template_name"] != OPTION:
                return None
            parts.append(f"\n  {_option(option)}")
        if group:
            parts.append("\n  </optgroup>")
    return "".join([*parts, "\n</select>\n"])


def _option(widget: Widget) -> str:
    """select_option.html."""
    return f'<option value="{_text(widget["value"])}"{_attributes(widget)}>{_variable(widget["label"])}</option>\n'


def _attributes(widget: Widget) -> str:
    """attrs.html."""
    return "".join(
        f" {_text(name)}" if value is True else f' {_text(name)}="{_text(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _text(value: object) -> str:
    """`{{ value|stringformat:'s' }}`."""
    said = str(value)
    return said if isinstance(said, SafeString) else escape(said)


def _variable(value: object) -> str:
    """`{{ value }}`: as `_text`, but that numbers and dates are written in the page's language."""
    return _text(value) if isinstance(value, str) else render_value_in_context(value, Context())


INPUTS = ("text", "number", "email", "url", "color", "search", "tel", "password", "hidden", "date", "datetime", "time")
WRITTEN: Mapping[str, Callable[[Widget], str | None]] = {
    **{f"{WIDGETS}/{name}.html": _input for name in (*INPUTS, "input", "checkbox", "file")},
    **{f"{WIDGETS}/{name}.html": _input_option for name in ("checkbox_option", "radio_option")},
    f"{WIDGETS}/textarea.html": _textarea,
    f"{WIDGETS}/select.html": _select,
}
