"""The pool of prompts: what stands in it, pasted in, taken out."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.audit import record
from accounts.requests import user_of
from common.numbers import grouped
from labeling import projects, prompt_lengths
from labeling.errors import LabelingError
from labeling.models import Prompt
from managing.access import managed, show
from managing.forms import Prompts, SiteForm
from managing.set_up import add_prompts

SHOWN = 50  # prompts on a page


class PromptsForm(SiteForm):
    prompts = Prompts(
        label=gettext_noop("New prompts"), required=True, rows=10,
        help_text=gettext_noop(
            "One a line; prompts of several lines are separated by a line that holds only three hyphens."
        ),
    )  # fmt: skip
    source = forms.CharField(
        label=gettext_noop("Where they come from"),
        required=False,
        max_length=120,
        help_text=gettext_noop("For the data card; may stay empty."),
    )
    own = forms.BooleanField(
        label=gettext_noop("I wrote them myself"),
        required=False,
        help_text=gettext_noop("Then answers to them are ranked by others."),
    )

    @property
    def doubled(self) -> int:
        field = self.fields["prompts"]
        assert isinstance(field, Prompts)
        return field.doubled


def _told(count: int, again: int, doubled: int) -> str:
    """How many were added, and why the others were not."""
    said = [ngettext("%(count)s prompt added.", "%(count)s prompts added.", count) % {"count": grouped(count)}]
    if again:
        known = ngettext("%(again)s was there already.", "%(again)s were there already.", again)
        said.append(known % {"again": grouped(again)})
    if doubled:
        twice = ngettext(
            "%(doubled)s stood there more than once and counts once.",
            "%(doubled)s stood there more than once and count once.",
            doubled,
        )
        said.append(twice % {"doubled": grouped(doubled)})
    return " ".join(said)


@require_http_methods(["GET", "HEAD", "POST"])
def prompts(request: HttpRequest, slug: str) -> HttpResponse:
    """The pool, and a form that adds to it."""
    project = managed(request, slug)
    form = PromptsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            count = add_prompts(
                project=project, texts=said["prompts"], source=said["source"],
                by=user_of(request) if said["own"] else None,
            )  # fmt: skip
        except LabelingError as refusal:
            form.add_error("prompts", str(refusal))
        else:
            messages.success(request, _told(count, len(said["prompts"]) - count, form.doubled))
            return redirect("managing:project" if project.prompts.count() == count else "managing:prompts", slug)
    pool = Prompt.objects.filter(project=project, retired_at__isnull=True).order_by("-created_at", "pk")
    page = Paginator(pool.select_related("author"), SHOWN).get_page(request.GET.get("page"))
    room = prompt_lengths.room_of(project)
    shown = Prompt.objects.filter(pk__in=[prompt.pk for prompt in page])
    readable = set(prompt_lengths.readable(shown, room).values_list("pk", flat=True)) if room else None
    lead = gettext("What users say first. Models answer each of them once a round, and people rank the answers.")
    return show(
        request, "prompts", project, title=gettext("Prompts"), lead=lead, form=form, room=room,
        page=page, too_long=[p.pk for p in page if readable is not None and p.pk not in readable],
        retired=Prompt.objects.filter(project=project, retired_at__isnull=False).count(),
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the ticked prompts out of the pool."""
    project = managed(request, slug)
    ticked = [number for one in request.POST.getlist("prompt")[:SHOWN] if (number := _id(one))]
    rows = list(Prompt.objects.filter(project=project, pk__in=ticked))
    count = projects.retire_prompts(prompts=rows)
    for prompt in rows:
        record(actor=user_of(request), action="prompt.retire", obj=prompt)
    taken = ngettext("%(count)s prompt taken out.", "%(count)s prompts taken out.", count)
    messages.success(request, taken % {"count": grouped(count)})
    return redirect("managing:prompts", slug)


def _id(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
