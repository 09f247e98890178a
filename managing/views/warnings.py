"""The content warning of a project: written with a preview, published by version, and how many have read which."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods

from accounts.requests import user_of
from labeling.admin.guidelines import diff_html
from labeling.content_warnings import current_warning, publish_warning
from labeling.errors import LabelingError
from managing.access import managed, show
from managing.forms import PublishedForm


class WarningForm(PublishedForm):
    text = forms.CharField(
        label=gettext_noop("What may be met here"),
        required=False,
        strip=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_noop(
            "Markdown. It stands on the home page, and everybody reads it before their first task. Empty it to take "
            "the warning back."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def warning(request: HttpRequest, slug: str) -> HttpResponse:
    """The version in force to edit, how it will look, and what would change; publishing makes the next version."""
    project = managed(request, slug)
    current = current_warning(project)
    form = WarningForm(request.POST or None, initial={"text": current.text if current else ""})
    preview = request.POST.get("text", "") if "preview" in request.POST else ""
    if request.method == "POST" and "preview" not in request.POST and form.is_valid():
        try:
            made = publish_warning(project=project, by=user_of(request), **form.cleaned_data)
        except LabelingError as refusal:
            form.add_error("text", str(refusal))
        else:
            told = gettext("Version %(number)s of the content warning is in force.")
            messages.success(request, told % {"number": made.number})
            return redirect("managing:warning", slug)
    versions = project.warnings.select_related("created_by").annotate(read=Count("readings")).defer("text")
    return show(
        request, "warning", project, title=gettext("Content warning"), form=form, preview=preview,
        versions=versions.order_by("-number")[:50], next=current.number + 1 if current else 1,
        difference=diff_html(current.text, preview.replace("\r\n", "\n")) if preview and current else "",
        status=422 if form.errors and not preview else 200,
    )  # fmt: skip
