"""What each page costs in queries."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common.database.base import reads
from labeling import projects
from labeling.models import Assignment, Project
from tests import makers
from tests.red_team import begin, make_rule, reply

QUERIES = {  # what each page costs, whatever the project's size; a page that costs more must say why: one is notices
    "home": 12, "ranking": 10, "ranked": 7, "compare": 6, "demonstration": 7, "chat": 8, "dialogue": 7, "history": 7,
    "guidelines": 8, "red team": 10,
}  # fmt: skip
SUBMIT_AND_NEXT = 20  # statements, those of session and user included


def test_no_page_costs_more_queries_than_its_baseline_or_than_12(client: Client, project: Project, alice: User) -> None:
    def cost(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        assert all(reads(query["sql"]) for query in queries), "a GET wrote something"
        return len(queries)

    def measure() -> dict[str, int]:
        client.force_login(alice)
        demonstration = makers.make_demonstration(project, alice, submit=False)
        chat = makers.make_chat(project, alice, turns=2)
        make_rule(project)
        tried = begin(project, alice)
        reply(tried)
        reply(tried)
        done = makers.make_demonstration(project, alice)
        ranked = makers.make_ranking(makers.make_comparison(project, votes=2), alice)
        task = makers.make_lease(makers.make_comparison(project), alice)
        for first in ("/", f"/dialogues/{demonstration.pk}/"):  # what they find is kept for minutes
            client.get(first)
        return {
            "home": cost("/"),
            "ranking": cost(f"/ranking/{task.pk}/"),
            "ranked": cost(f"/ranking/{ranked.assignment_id}/"),
            "compare": cost(f"/ranking/{task.pk}/compare/?a=A&b=B"),
            "demonstration": cost(f"/dialogues/{demonstration.pk}/"),
            "chat": cost(f"/dialogues/{chat.pk}/"),
            "dialogue": cost(f"/dialogues/{done.pk}/"),
            "history": cost("/history/"),
            "red team": cost(f"/dialogues/{tried.pk}/"),
            "guidelines": cost(f"/projects/{project.slug}/guidelines/"),
        }

    small = measure()
    for number in range(3):
        other = makers.make_project(f"other-{number}")
        projects.set_membership(project=other, user=alice, role="trainer")
        for _ in range(3):
            makers.make_ranking(makers.make_comparison(other, votes=2), alice)
    large = measure()
    assert small == large == QUERIES
    assert max(large.values()) <= 12


def test_a_submission_and_the_next_task_cost_no_more_statements_than_their_baseline(
    client: Client, project: Project, alice: User
) -> None:
    for _ in range(3):
        makers.make_comparison(project)
    client.force_login(alice)
    address = client.post(f"/projects/{project.slug}/rank/").headers["Location"]
    shown = Assignment.objects.get(trainer=alice, state="leased").order_shown
    places = {f"place-{cid}": number for number, cid in enumerate(shown, 1)}
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(address, places, headers={"HX-Request": "true"})
    assert answer.headers["HX-Push-Url"] != address
    kinds = [query["sql"].split(" ", 1)[0] for query in queries]
    assert len([kind for kind in kinds if kind not in ("SAVEPOINT", "RELEASE")]) <= SUBMIT_AND_NEXT, kinds
