"""The fields of a form: each with its label, its widget, its sentence and what is refused.

Written here and not as loops of a template because the settings of a project have sixty of them: as a template, their
nodes were half of that page's rendering.
"""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.forms.boundfield import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from common.translated import translated

register = template.Library()

NOTHING = mark_safe("")
BOX = '<div class="field"><label class="tick" for="{}">{} <span>{}</span></label>{}{}</div>'
FIELD = '<div class="field"><label for="{}">{}{}</label>{}{}{}</div>'
OPTIONAL = ' <span class="soft">{}</span>'
FIELDSET = '<fieldset class="field"{}><legend class="label">{}</legend>{}\n<div class="choices">{}</div>{}</fieldset>'
CHOICE = '<label class="tick" for="{}">{} <span>{}</span></label>'
HELP = '<p class="help" id="{}_helptext">{}</p>'
DESCRIBED = ' aria-describedby="{}_helptext"'
REFUSED = '<div id="{}_error">{}</div>'


@register.simple_tag
def fields_of(fields: Iterable[BoundField]) -> SafeString:
    """A form's fields, or some of them, in the reader's language."""
    return mark_safe("\n".join([_written(field) for field in fields]))


def _written(field: BoundField) -> str:
    if field.is_hidden:
        return str(field)
    widget, help_, refused = field.field.widget, _help(field), _refused(field)
    kind, label = getattr(widget, "input_type", ""), translated(field.label)
    if field.use_fieldset:
        described = format_html(DESCRIBED, field.auto_id) if help_ else NOTHING
        return format_html(FIELDSET, described, label, help_, _choices(field), refused)
    if kind == "checkbox":
        return format_html(BOX, field.id_for_label, str(field), label, help_, refused)
    wanted = field.field.required or kind == "select"
    optional = NOTHING if wanted else format_html(OPTIONAL, gettext("(optional)"))
    return format_html(FIELD, field.id_for_label, label, optional, str(field), help_, refused)


def _choices(field: BoundField) -> SafeString:
    choices = ((choice.id_for_label, choice.tag(), translated(choice.choice_label)) for choice in field)
    none = format_html('<p class="soft">{}</p>', gettext("There is nothing to choose from yet."))
    return format_html_join("", CHOICE, choices) or none


def _help(field: BoundField) -> SafeString:
    return format_html(HELP, field.auto_id, translated(field.help_text)) if field.help_text else NOTHING


def _refused(field: BoundField) -> SafeString:
    errors = field.errors
    if not errors:
        return NOTHING
    sentences = format_html_join("", '<p class="errors">{}</p>', ((translated(error),) for error in errors))
    return format_html(REFUSED, field.auto_id, sentences)
