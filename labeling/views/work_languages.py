"""The account page on which a person says in which languages they work."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts import languages
from labeling.models import Project
from labeling.views._shared import PageRequest


@require_http_methods(["GET", "HEAD", "POST"])
def work_languages(request: PageRequest) -> HttpResponse:
    """The languages of one's projects first, then a list of the others; none chosen is all of them."""
    person = request.user
    if request.method == "POST":
        languages.set_languages(person=person, tags=request.POST.getlist("languages"))
        messages.success(request, gettext("Saved. Tasks are offered in these languages."))
        return redirect("work-languages")
    projects = Project.objects.active().visible_to(person).order_by().values_list("language", flat=True)[:200]
    near = {languages.primary(tag) for tag in [*projects, *person.languages]}
    first = [(code, name, code in person.languages) for code, name in languages.KNOWN.items() if code in near]
    others = [(code, name) for code, name in languages.KNOWN.items() if code not in near]
    return render(request, "labeling/work_languages.html", {"first": first, "others": others})
