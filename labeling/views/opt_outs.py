"""The account page on which a person says which kinds of harm they do not want to meet."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from labeling import opt_outs
from labeling.views._shared import PageRequest


@require_http_methods(["GET", "HEAD", "POST"])
def opted_out(request: PageRequest) -> HttpResponse:
    person = request.user
    if request.method == "POST":
        opt_outs.choose(person=person, kinds=request.POST.getlist("harms"))
        messages.success(request, gettext("Saved. Tasks with such texts go to others."))
        return redirect("opted-out")
    harms = [(name, name in person.opted_out_of) for name in opt_outs.offered_to(person)]
    return render(request, "labeling/opted_out.html", {"harms": harms})
