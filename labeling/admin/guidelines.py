"""Guidelines: never edited, always the next version, with what changed shown line by line."""

from __future__ import annotations

import difflib
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.requests import user_of
from common.admin import REVIEWERS, ProjectFilter, within
from labeling import projects
from labeling.admin.base import PageAdmin, RowForm, text_html
from labeling.models import GuidelineVersion, Project


class GuidelineForm(RowForm[GuidelineVersion]):
    class Meta:
        model = GuidelineVersion
        fields = ("project", "text", "note")
        help_texts = {
            "text": "Markdown. Labels made from now on carry the new version's number; older ones keep theirs.",
            "note": "What changed, in a sentence; trainers see it.",
        }
        widgets = {"text": UnfoldAdminTextareaWidget(attrs={"rows": 24})}


@admin.register(GuidelineVersion)
class GuidelineAdmin(PageAdmin[GuidelineVersion]):
    form = GuidelineForm
    view_roles = REVIEWERS
    may_add = True
    list_display = ("version", "project", "note", "created_by", "created_at")
    list_select_related = ("project", "created_by")
    list_filter = (ProjectFilter,)
    search_fields = ("note", "text", "project__title")
    add_fieldsets = ((None, {"fields": ("project", "text", "note")}),)
    fields = ("project", "number", "note", "created_by", "created_at", "whole_text", "difference")
    readonly_fields = ("whole_text", "difference")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """A new version begins as the one in force."""
        initial = super().get_changeform_initial_data(request)
        asked = within(self.change_roles, request, Project.objects.all(), "pk")
        project = asked.filter(pk=str(initial["project"])).first() if _is_id(initial.get("project")) else None
        if project is None and asked.count() == 1:
            project = asked.get()
        if project is not None and (current := projects.current_guidelines(project)):
            initial |= {"project": str(project.pk), "text": current.text}
        return initial

    def save_model(self, request: HttpRequest, obj: GuidelineVersion, form: GuidelineForm, change: bool) -> None:
        made = projects.publish_guidelines(project=obj.project, text=obj.text, note=obj.note, by=user_of(request))
        obj.__dict__.update({k: v for k, v in made.__dict__.items() if k != "_state"})
        obj._state.adding = False

    @display(description="Version", ordering="number")
    def version(self, obj: GuidelineVersion) -> str:
        return f"v{obj.number}"

    @display(description="Text")
    def whole_text(self, obj: GuidelineVersion) -> SafeString:
        return text_html(obj.text)

    @display(description="Changed since the version before")
    def difference(self, obj: GuidelineVersion) -> SafeString | str:
        before = GuidelineVersion.objects.filter(project_id=obj.project_id, number=obj.number - 1).first()
        return diff_html(before.text, obj.text) if before else "This is the first version."


def diff_html(old: str, new: str) -> SafeString | str:
    """Changed lines with two lines of context; a sign as well as a colour."""
    names = {"+": "added", "-": "removed", "@": "place", " ": "same"}
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2))[2:]
    if not lines:
        return "Nothing."
    rows = format_html_join(
        "\n", '<span class="dl-diff-{}">{}</span>', ((names[line[:1] or " "], line) for line in lines)
    )
    return SafeString(f'<pre class="dl-diff">{rows}</pre>')


def _is_id(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True
