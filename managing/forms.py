"""What the manager's forms share: plain widgets, a fold for what few people change, and lists pasted as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django import forms
from django.forms.boundfield import BoundField
from django.forms.widgets import ChoiceWidget
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext, gettext_noop

from common.numbers import grouped
from common.translated import translated
from labeling.admin.form_fields import without_null
from labeling.control_tokens import refuse_in_any
from labeling.errors import Invalid

SEPARATOR = "---"
LONGEST = 100_000  # characters of a prompt that is pasted: some 25,000 tokens, more than most models read

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    Files = MultiValueDict[str, UploadedFile[bytes]]


class SiteForm(forms.Form):
    """A form of the site. Fields named in `folded` stand in the Advanced fold."""

    folded: Sequence[str] = ()

    def __init__(
        self,
        data: Mapping[str, str] | None = None,
        files: Files | None = None,
        *,
        initial: dict[str, object] | None = None,
        prefix: str | None = None,
    ) -> None:
        super().__init__(data, files, initial=initial, prefix=prefix, label_suffix="")
        for field in self.fields.values():
            plain(field)
            if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
                assert isinstance(field.widget, ChoiceWidget)
                field.choices = [_in_words(choice) for choice in field.widget.choices]
            if isinstance(field, forms.FloatField):
                field.widget.attrs["step"] = "any"

    def first(self) -> list[BoundField]:
        return [self[name] for name in self.fields if name not in self.folded]

    def advanced(self) -> list[BoundField]:
        return [self[name] for name in self.fields if name in self.folded]

    def unfolded(self) -> bool:
        """Whether something in the fold is refused, so that it has to be seen."""
        return any(name in self.errors for name in self.folded)


def _in_words(choice: Sequence[object]) -> tuple[object, object]:
    """A choice of a list, or a group of them, in the language of the page."""
    value, label = choice
    if isinstance(label, list | tuple):
        return translated(value), [_in_words(inner) for inner in label]
    return value, translated(label)


class PublishedForm(SiteForm):
    """Of a text that is published by versions: its field `text` is the form's own."""

    field_order = ("text", "note")
    note = forms.CharField(
        label=gettext_noop("What changed"),
        required=False,
        max_length=200,
        help_text=gettext_noop("In a sentence; trainers see it."),
    )


def plain(field: forms.Field) -> None:
    """Django's own widget in the place of one that is drawn by the admin site's theme."""
    if not type(field.widget).__module__.startswith("unfold"):
        return
    old = field.widget
    choices = list(old.choices) if isinstance(old, ChoiceWidget) else []
    if isinstance(field, forms.BooleanField):
        field.widget = forms.CheckboxInput()
    elif isinstance(field, forms.MultipleChoiceField):
        field.widget = forms.CheckboxSelectMultiple(choices=choices)
    elif isinstance(field, forms.ChoiceField):
        field.widget = forms.Select(choices=choices)
    elif isinstance(field, forms.IntegerField):
        field.widget = forms.NumberInput()
    elif isinstance(old, forms.Textarea):
        field.widget = forms.Textarea(attrs={"rows": old.attrs.get("rows", 3)})
    else:
        field.widget = forms.TextInput()
    field.widget.attrs.update(field.widget_attrs(field.widget))
    field.widget.is_required = field.required


class Prompts(forms.CharField):
    """Openings, several separated by a line that holds only `---`; without such a line, one a line."""

    doubled = 0  # of what was sent last, how many said the same as one before

    def __init__(self, *, label: str, help_text: str, rows: int = 8, required: bool = False) -> None:
        widget = forms.Textarea(attrs={"rows": rows})
        super().__init__(required=required, widget=widget, label=label, help_text=help_text)

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]  # a list is what is stored
        lines = without_null(value).replace("\r\n", "\n").split("\n")
        if any(line.strip() == SEPARATOR for line in lines):
            texts: list[list[str]] = [[]]
            for line in lines:
                texts.append([]) if line.strip() == SEPARATOR else texts[-1].append(line)
            found = ["\n".join(part).strip() for part in texts]
        else:
            found = [line.strip() for line in lines]
        said = [text for text in found if text]
        once = list(dict.fromkeys(said))
        self.doubled = len(said) - len(once)
        return once

    def validate(self, value: list[str]) -> None:
        if self.required and not value:
            raise forms.ValidationError(gettext("Write at least one prompt."))
        too_long = gettext("Prompt %(number)s has %(length)s characters; a prompt has at most %(most)s.")
        over = [(number, len(text)) for number, text in enumerate(value, 1) if len(text) > LONGEST]
        if over:
            raise forms.ValidationError(
                [
                    too_long % {"number": number, "length": grouped(length), "most": grouped(LONGEST)}
                    for number, length in over
                ]
            )
        try:
            refuse_in_any(("prompts", f"Prompt {number}", text) for number, text in enumerate(value, 1))
        except Invalid as refusal:
            raise forms.ValidationError(str(refusal)) from None

    def run_validators(self, value: object) -> None:
        """Those of a text have nothing to say on a list."""


def _is_address(text: str) -> bool:
    try:
        forms.EmailField().clean(text)
    except forms.ValidationError:
        return False
    return True


class People(forms.CharField):
    """E-mail addresses and user names, separated by lines, commas or semicolons; "Ada <ada@example.org>" is read."""

    def __init__(self, *, label: str, help_text: str) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})
        super().__init__(required=False, widget=widget, label=label, help_text=help_text)

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]
        text = without_null(value).replace(",", "\n").replace(";", "\n")
        found = []
        for line in (line.strip() for line in text.splitlines()):
            address = line[line.rindex("<") + 1 : -1] if line.endswith(">") and "<" in line else line
            if address.strip():
                found.append(address.strip())
        return list({one.lower() if "@" in one else one: one for one in found}.values())

    def validate(self, value: list[str]) -> None:
        if len(value) > 500:
            raise forms.ValidationError(gettext("At most 500 at a time."))
        wrong = [one for one in value if "@" in one and not _is_address(one)]
        if wrong:
            raise forms.ValidationError(
                [gettext("“%(one)s” is not an e-mail address.") % {"one": one} for one in wrong]
            )

    def run_validators(self, value: object) -> None:
        """Those of a text have nothing to say on a list."""
