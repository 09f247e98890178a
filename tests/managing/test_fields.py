"""The fields of a manager's form as they are written: what each has around its widget, and that texts are escaped."""

from __future__ import annotations

from django import forms
from django.utils import translation

from managing.forms import SiteForm
from managing.templatetags.fields import fields_of


class Everything(SiteForm):
    title = forms.CharField(label="A <title>", help_text="Not <b>bold</b>", max_length=5)
    role = forms.ChoiceField(label="Role", choices=[("a", "A & B")], required=False)
    places = forms.IntegerField(label="Places", required=False)
    redact = forms.BooleanField(label="Mask <it>", required=False, help_text="Words & numbers")
    kinds = forms.MultipleChoiceField(
        label="Kinds", choices=[("x", "X <1>")], widget=forms.CheckboxSelectMultiple, help_text="Some", required=False
    )
    none = forms.MultipleChoiceField(label="None", choices=[], widget=forms.CheckboxSelectMultiple, required=False)
    token = forms.CharField(widget=forms.HiddenInput, initial='"')


WRITTEN = [
    '<div class="field"><label for="id_title">A &lt;title&gt;</label><input type="text" name="title" maxlength="5" '
    'required aria-describedby="id_title_helptext" id="id_title"><p class="help" id="id_title_helptext">'
    "Not &lt;b&gt;bold&lt;/b&gt;</p></div>",
    '<div class="field"><label for="id_role">Role</label><select name="role" id="id_role">',
    '  <option value="a">A &amp; B</option>',
    "</select></div>",
    '<div class="field"><label for="id_places">Places <span class="soft">(optional)</span></label>'
    '<input type="number" name="places" id="id_places"></div>',
    '<div class="field"><label class="tick" for="id_redact"><input type="checkbox" name="redact" '
    'aria-describedby="id_redact_helptext" id="id_redact"> <span>Mask &lt;it&gt;</span></label>'
    '<p class="help" id="id_redact_helptext">Words &amp; numbers</p></div>',
    '<fieldset class="field" aria-describedby="id_kinds_helptext"><legend class="label">Kinds</legend>'
    '<p class="help" id="id_kinds_helptext">Some</p>',
    '<div class="choices"><label class="tick" for="id_kinds_0"><input type="checkbox" name="kinds" value="x" '
    'id="id_kinds_0"> <span>X &lt;1&gt;</span></label></div></fieldset>',
    '<fieldset class="field"><legend class="label">None</legend>',
    '<div class="choices"><p class="soft">There is nothing to choose from yet.</p></div></fieldset>',
    '<input type="hidden" name="token" value="&quot;" id="id_token">',
]


def test_each_kind_of_field_with_its_label_and_its_sentence() -> None:
    assert [line for line in fields_of(Everything().first()).split("\n") if line] == WRITTEN


def test_what_is_refused_stands_with_its_field_in_the_language_of_the_page() -> None:
    with translation.override("de"):
        html = fields_of(Everything({"title": "<script>", "places": "many", "role": "<b>"}).first())
    assert 'value="&lt;script&gt;"' in html
    assert '<div id="id_title_error"><p class="errors">' in html
    assert 'aria-describedby="id_title_helptext id_title_error"' in html
    assert '<div id="id_places_error"><p class="errors">Bitte eine ganze Zahl eingeben.</p></div></div>' in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert '<span class="soft">(freiwillig)</span>' in html
