"""What each page of the manager's site costs in queries, in a small and in a larger project."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from exports import runs
from exports.models import ExportRun
from hub import pushes
from labeling import agreements, invitations, projects, questions
from labeling.models import ImportRun, Project
from tests import makers

MOST = 15
SITE = "/manage/projects/demo/"
PAGES = {
    "projects": "/manage/", "new": "/manage/new/", "search": "/manage/search/?q=reply", "project": SITE,
    "people": f"{SITE}people/", "rounds": f"{SITE}rounds/", "round": f"{SITE}rounds/new/",
    "guidelines": f"{SITE}guidelines/", "terms": f"{SITE}terms/", "prompts": f"{SITE}prompts/",
    "settings": f"{SITE}settings/",
    "exports": f"{SITE}exports/", "hub": f"{SITE}hub/", "imports": f"{SITE}imports/", "time": f"{SITE}time/",
    "questions": f"{SITE}questions/",
}  # fmt: skip


def test_no_page_costs_more_queries_than_fifteen_nor_more_in_a_larger_project(
    client: Client, project: Project, mona: User, alice: User, settings: Settings
) -> None:
    settings.HUB_TOKEN, settings.HUB_NAMESPACES = "x", {"acme": frozenset()}
    client.force_login(mona)

    def costs() -> dict[str, int]:
        found = {}
        for name, address in PAGES.items():
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
            assert not written, f"{name} wrote something"
            found[name] = len(queries)
        return found

    grow(project, alice, mona, 1)
    costs()  # content types and the like are read once
    small = costs()
    grow(project, alice, mona, 4)
    large = costs()
    assert max(large.values()) <= MOST, large
    assert small == large


def grow(project: Project, alice: User, mona: User, count: int) -> None:
    for number in range(count):
        makers.make_chat(project, alice, submit=True)
        makers.make_ranking(makers.make_comparison(project, votes=2), alice)
        tina = makers.make_member(project, f"tina{count}{number}")
        asked = questions.ask(by=tina, text="Which counts more?", project=project)
        questions.ask(by=tina, text="And why?", project=project)
        questions.answer(question=asked, by=mona, text="Truth.", for_everybody=True)
        text = [[{"role": "user", "content": f"Prompt {count} {number}?"}]]
        projects.add_prompts(project=project, prompts=text, author=alice)
        projects.open_round(project=project, policies=[(makers.make_model(), 1.0, {})])
        projects.publish_guidelines(project=project, text=f"{count} {number}", by=mona)
        agreements.acknowledge(project=project, person=alice, number=project.guidelines.count())
        runs.request(project=project, trigger="api", by=mona, ring=False)
        ImportRun.objects.create(project=project, file_name="a", stored_as="", state="finished", requested_by=mona)
        push(project, mona, f"acme/{count}-{number}")
        invitations.invite(project=project, role="trainer", by=mona, places=3)
        other = makers.make_project(f"other-{count}-{number}")
        projects.set_membership(project=other, user=mona, role="manager")


def push(project: Project, by: User, name: str) -> None:
    asked = runs.request(project=project, trigger="admin", by=by, ring=False)
    ExportRun.objects.filter(pk=asked.pk).update(state="finished", manifest={"files": []}, finished_at=asked.cutoff)
    asked.refresh_from_db()
    pushes.request(run=asked, by=by, name=name, ring=False)
