"""What is agreed to before a task is given: programs are asked where the project says so, and work on where not."""

from __future__ import annotations

from collections.abc import Callable

from rest_framework.test import APIClient

from accounts.models import User
from common.held import forget
from labeling import projects
from labeling.models import Assignment, Project
from tests import makers


def test_programs_work_on_until_the_project_asks_them(
    project: Project, alice: User, mona: User, api: Callable[..., APIClient]
) -> None:
    projects.publish_guidelines(project=project, text="Be helpful and short.", by=mona)
    makers.make_comparison(project)
    makers.make_comparison(project)
    address = f"/api/v1/projects/{project.slug}/"
    assert api(alice).post(f"{address}assignments/", {}, format="json").status_code == 201
    Assignment.objects.all().delete()
    projects.change_settings(project=project, programs_acknowledge=True)
    forget()  # the settings, which a process holds for a second
    refused = api(alice).post(f"{address}assignments/", {"task": "ranking"}, format="json")
    assert refused.status_code == 409
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (refused.json()["type"], refused.json()["version"]) == ("urn:duologue:not-agreed:guidelines", 2)
    begun = api(alice).post(f"{address}dialogues/", {"kind": "demonstration"}, format="json")
    assert begun.status_code == 409
    owed = {"what": "guidelines", "version": 2, "known": 1}
    assert api(alice).get(f"{address}agreements/").json() == [owed]
    late = api(alice).post(f"{address}agreements/", {"what": "guidelines", "version": 1}, format="json")
    assert (late.status_code, late.json()["version"]) == (409, 2)
    agreed = api(alice).post(f"{address}agreements/", {"what": "guidelines", "version": 2}, format="json")
    assert (agreed.status_code, agreed.json()) == (200, [])
    assert api(alice).post(f"{address}assignments/", {}, format="json").status_code == 201
