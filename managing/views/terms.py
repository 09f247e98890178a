"""The terms and consent of a project: written with a preview, published by version, and how many accepted which."""

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
from labeling.terms import current_terms, publish_terms
from managing.access import managed, show
from managing.forms import PublishedForm


class TermsForm(PublishedForm):
    text = forms.CharField(
        label=gettext_noop("Terms"),
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 20}),
        help_text=gettext_noop(
            "Markdown. Everybody accepts them before the first task. They stand in the card of every export, with how "
            "many people accepted which version."
        ),
    )
    ask_again = forms.BooleanField(
        label=gettext_noop("Whoever accepted an earlier version accepts this one too"),
        required=False,
        initial=True,
        help_text=gettext_noop("Before the next task. Leave it out for a change that alters nothing, such as a typo."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def terms(request: HttpRequest, slug: str) -> HttpResponse:
    """The version in force to edit, how it will look, and what would change; publishing makes the next version."""
    project = managed(request, slug)
    current = current_terms(project)
    form = TermsForm(request.POST or None, initial={"text": current.text if current else ""})
    preview = request.POST.get("text", "") if "preview" in request.POST else ""
    if request.method == "POST" and "preview" not in request.POST and form.is_valid():
        made = publish_terms(project=project, by=user_of(request), **form.cleaned_data)
        messages.success(request, gettext("Version %(number)s of the terms is in force.") % {"number": made.number})
        return redirect("managing:terms", slug)
    versions = project.terms.select_related("created_by").annotate(accepted=Count("acceptances")).defer("text")
    return show(
        request, "terms", project, title=gettext("Terms"), form=form, preview=preview,
        versions=versions.order_by("-number")[:50], next=current.number + 1 if current else 1,
        difference=diff_html(current.text, preview.replace("\r\n", "\n")) if preview and current else "",
        status=422 if form.errors and not preview else 200,
    )  # fmt: skip
