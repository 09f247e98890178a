"""The account page on which a person says which kinds of harm they do not want to meet."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from labeling import opt_outs
from labeling.errors import Invalid
from labeling.views._shared import PageRequest


@require_http_methods(["GET", "HEAD", "POST"])
def opted_out(request: PageRequest) -> HttpResponse:
    person, errors = request.user, []
    if request.method == "POST":
        try:
            opt_outs.choose(person=person, kinds=request.POST.getlist("harms"))
        except Invalid as refusal:
            errors.append(str(refusal))
        else:
            messages.success(request, gettext("Saved. Tasks with such texts go to others."))
            return redirect("opted-out")
    harms = [(name, name in person.opted_out_of) for name in opt_outs.offered_to(person)]
    context = {"harms": harms, "errors": errors}
    return render(request, "labeling/opted_out.html", context, status=422 if errors else 200)
