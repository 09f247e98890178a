"""What each page of the manager's site costs in queries, in a small and in a larger project."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from exports import runs
from exports.models import ExportRun
from hub import pushes
from labeling import agreements, goals, invitations, projects, questions
from labeling.ai_judges import judges, prompts
from labeling.models import AiJudge, ImportRun, Project
from labeling.red_team import published
from managing.pages.exporting import name_of
from managing.pages.importing import name_of as name_of_import
from tests import makers
from tests.managing.test_imports import PAIR, press, read, upload

MOST = 15
ANSWER = {"role": "assistant", "content": "Yes."}
SITE = "/manage/projects/demo/"
PAGES = {
    "projects": "/manage/", "new": "/manage/new/", "search": "/manage/search/?q=reply", "project": SITE,
    "people": f"{SITE}people/", "rounds": f"{SITE}rounds/", "round": f"{SITE}rounds/new/",
    "guidelines": f"{SITE}guidelines/", "terms": f"{SITE}terms/", "warning": f"{SITE}warning/",
    "prompts": f"{SITE}prompts/", "settings": f"{SITE}settings/",
    "exports": f"{SITE}exports/", "hub": f"{SITE}hub/", "imports": f"{SITE}imports/", "time": f"{SITE}time/",
    "questions": f"{SITE}questions/", "feedback": f"{SITE}feedback/",
    "models": "/manage/models/", "round and its goals": f"{SITE}rounds/1/",
    "judges": f"{SITE}ai-judges/", "red team": f"{SITE}red-team/",
    "progress": "/admin/insights/demo/progress/",
}  # fmt: skip


def test_no_page_costs_more_queries_than_fifteen_nor_more_in_a_larger_project(
    client: Client, project: Project, mona: User, alice: User, settings: Settings
) -> None:
    settings.HUB_TOKEN, settings.HUB_NAMESPACES = "x", {"acme": frozenset()}
    client.force_login(mona)

    goals.set_goals(round=project.rounds.get(), goal_rankings=50, goal_demonstrations=50, share_rankings=5)
    grow(project, alice, mona, 1)
    costs(client, PAGES)  # content types and the like are read once
    small = costs(client, PAGES)
    grow(project, alice, mona, 4)
    large = costs(client, PAGES)
    assert max(large.values()) <= MOST, large
    assert small == large


def costs(client: Client, pages: Mapping[str, str]) -> dict[str, int]:
    """Queries of each page."""
    found = {}
    for name, address in pages.items():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200, name
        written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        assert not written, f"{name} wrote something"
        found[name] = len(queries)
    return found


def test_an_import_and_its_records_cost_no_more_where_there_are_more(
    client: Client, project: Project, mona: User
) -> None:
    client.force_login(mona)

    def pages(count: int) -> dict[str, str]:
        """Of a preview, and of three imports of so many records, each with what came in."""
        texts = [f"Number {count} {one}?" for one in range(count)]
        files: dict[str, list[object]] = {
            "comparisons": [{**PAIR, "prompt": [{"role": "user", "content": text}]} for text in texts],
            "dialogues": [{"messages": [{"role": "user", "content": text}, ANSWER]} for text in texts],
            "prompts": [{"messages": [{"role": "user", "content": text}]} for text in texts],
        }
        waits = read(upload(client, *files["comparisons"], name=f"waits-{count}.jsonl"))
        found = {"preview": f"{SITE}imports/{name_of_import(waits)}/"}
        for kind, records in files.items():
            said = {"kind": "prompts"} if kind == "prompts" else {}
            preview = read(upload(client, *records, name=f"{kind}-{count}.jsonl", **said))
            press(client, preview, "import")
            came_in = f"{SITE}imports/{name_of_import(read(ImportRun.objects.latest('created_at')))}/"
            found |= {f"import of {kind}": came_in, f"records: {kind}": f"{came_in}records/?kind={kind}"}
        return found

    first = pages(1)
    costs(client, first)
    small, large = costs(client, first), costs(client, pages(7))
    assert max(large.values()) <= MOST, large
    assert small == large


def test_an_export_costs_no_more_where_it_has_more_files(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)

    def page(files: int) -> dict[str, str]:
        run = runs.request(project=project, trigger="admin", by=mona, ring=False)
        parts = [{"path": f"raw/train-{one}.jsonl", "bytes": 10, "rows": 1, "sha256": "0"} for one in range(files)]
        manifest = {"files": parts, "rows": {}}
        ExportRun.objects.filter(pk=run.pk).update(state="finished", manifest=manifest, finished_at=run.cutoff)
        return {"an export": f"{SITE}exports/{name_of(run)}/"}

    first = page(1)
    costs(client, first)
    small, large = costs(client, first), costs(client, page(40))
    assert max(large.values()) <= MOST, large
    assert small == large


def grow(project: Project, alice: User, mona: User, count: int) -> None:
    for number in range(count):
        makers.make_chat(project, alice, submit=True)
        makers.make_ranking(makers.make_comparison(project, votes=2), alice)
        tina = makers.make_member(project, f"tina{count}{number}")
        asked = questions.ask(by=tina, text="Which counts more?", project=project)
        questions.ask(by=tina, text="And why?", project=project)
        published.publish_rule(project=project, name=f"Rule {number}", sentence="Do not.")
        questions.answer(question=asked, by=mona, text="Truth.", for_everybody=True)
        text = [[{"role": "user", "content": f"Prompt {count} {number}?"}]]
        projects.add_prompts(project=project, prompts=text, author=alice)
        opened = projects.open_round(project=project, policies=[(makers.make_model(), 1.0, {})])
        goals.set_goals(round=opened, goal_rankings=50, share_demonstrations=3)
        projects.publish_guidelines(project=project, text=f"{count} {number}", by=mona)
        agreements.acknowledge(project=project, person=alice, number=project.guidelines.count())
        runs.request(project=project, trigger="api", by=mona, ring=False)
        ImportRun.objects.create(project=project, file_name="a", stored_as="", state="finished", requested_by=mona)
        push(project, mona, f"acme/{count}-{number}")
        invitations.invite(project=project, role="trainer", by=mona, places=3)
        appoint(project)
        other = makers.make_project(f"other-{count}-{number}")
        projects.set_membership(project=other, user=mona, role="manager")


def appoint(project: Project) -> None:
    """As many judges as may judge, and others that do no more."""
    for judge in AiJudge.objects.filter(project=project, ended_at__isnull=True)[:1]:
        judges.dismiss(judge=judge)
    judges.appoint(project=project, model_version=makers.make_model(), prompt=prompts.DEFAULT, share=1)


def push(project: Project, by: User, name: str) -> None:
    asked = runs.request(project=project, trigger="admin", by=by, ring=False)
    ExportRun.objects.filter(pk=asked.pk).update(state="finished", manifest={"files": []}, finished_at=asked.cutoff)
    asked.refresh_from_db()
    pushes.request(run=asked, by=by, name=name, ring=False)
