"""The account page on which a person says in which languages they work."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts import languages
from accounts.models import User
from labeling.errors import Invalid
from labeling.models import Project
from labeling.pages.forms import all_of
from labeling.views._shared import PageRequest


@require_http_methods(["GET", "HEAD", "POST"])
def work_languages(request: PageRequest) -> HttpResponse:
    """The languages of one's projects first, then a list of the others; none chosen is all of them."""
    person, errors = request.user, []
    if request.method == "POST":
        try:
            _save(person, [tag for tag in request.POST.getlist("languages") if tag])
        except Invalid as refusal:
            errors.append(str(refusal))
        else:
            messages.success(request, gettext("Saved. Tasks are offered in these languages."))
            return redirect("work-languages")
    projects = Project.objects.active().visible_to(person).order_by().values_list("language", flat=True)[:200]
    near = {languages.primary(tag) for tag in [*projects, *person.languages]}
    first = [(code, name, code in person.languages) for code, name in languages.KNOWN.items() if code in near]
    others = [(code, name) for code, name in languages.KNOWN.items() if code not in near]
    context = {"first": first, "others": others, "errors": errors}
    return render(request, "labeling/work_languages.html", context, status=422 if errors else 200)


def _save(person: User, tags: list[str]) -> None:
    if len(tags) > languages.MOST:
        raise Invalid("Nothing was saved: choose at most %(most)s languages.", most=languages.MOST)
    languages.set_languages(person=person, tags=all_of(tags, languages.KNOWN))
