"""The project that is worked on, and the check of what came of it. Imported once Django is set up."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from accounts.models import User
from benchmarks import filling
from benchmarks.tasks.trainers import Task
from labeling.models import Assignment, Comparison, Project, Ranking
from tests import makers

TEXT = filling.TEXT
SETTLED_WITHIN = 5.0  # seconds in which everything that was acknowledged must stand in the tables
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@dataclass(frozen=True)
class Made:
    """The project and its trainers."""

    project: Project
    votes: int
    tokens: list[str]
    sessions: list[str]


def prepare(*, count: int, votes: int, trainers: int) -> Made:
    """`count` comparisons of four completions; the first trainer has ranked one in twenty of them. In a kept database
    they may be there already."""
    if (project := Project.objects.filter(slug="bench").first()) is not None:
        members = list(User.objects.filter(username__startswith="trainer-").order_by("pk")[:trainers])
    else:
        project = makers.make_project("bench", exclude_own_chats=True)
        members = [makers.make_member(project, f"trainer-{number}") for number in range(trainers)]
        filling.fill(project, members[0], count=count, votes=votes)
    return Made(
        project=project,
        votes=votes,
        tokens=[tokens.create(user=member, name="benchmark") for member in members],
        sessions=[filling.session_of(member) for member in members],
    )


def refill(made: Made, *, count: int) -> None:
    """More comparisons until `count` are open."""
    there = Comparison.objects.filter(project=made.project, state=Comparison.State.OPEN).count()
    if there < count:
        filling.fill_open(made.project, count=count - there, votes=made.votes)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def statements(made: Made) -> list[int]:
    """Statements of taking a task and of submitting it, without those that only begin or end a transaction."""
    client = Client(headers={"Authorization": f"Bearer {made.tokens[-1]}", "Host": "127.0.0.1"})
    path = f"/api/v1/projects/{made.project.slug}/assignments/"
    counts: list[int] = []
    for _ in range(2):  # once to warm up
        with CaptureQueriesContext(connection) as taken:
            answer = client.post(path, {}, content_type="application/json")
        task = json.loads(answer.content)
        groups = [[completion["id"]] for completion in task["comparison"]["completions"]]
        with CaptureQueriesContext(connection) as submitted:
            ranking = f"/api/v1/assignments/{task['id']}/ranking/"
            client.put(ranking, {"groups": groups, "seconds": 60}, content_type="application/json")
        counts = [_counted(taken), _counted(submitted)]
    return counts


def _counted(captured: CaptureQueriesContext) -> int:
    texts = [query["sql"].lstrip().upper() for query in captured.captured_queries]
    return sum(text.count(";\n") + 1 for text in texts if not text.startswith(TRANSACTION_CONTROL))


@dataclass(frozen=True)
class Checked:
    """What the client's ledger and the tables disagree on."""

    duplicates: int  # tasks acknowledged twice, and votes above what a comparison wanted
    lost: int  # acknowledged and not in the tables, or not as it was sent


def check(ledger: list[Task]) -> Checked:
    """Compare the ledger with the tables, once what was put off has had its time."""
    until = time.monotonic() + SETTLED_WITHIN
    sent = {task["id"]: task for task in ledger}
    while (lost := _lost(sent)) and time.monotonic() < until:
        time.sleep(0.2)
    twice = sum(count - 1 for count in Counter(task["id"] for task in ledger).values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*) FROM "{Comparison._meta.db_table}" c WHERE votes_wanted < (
                SELECT count(*) FROM "{Assignment._meta.db_table}" a
                WHERE a.comparison_id = c.id AND a.kind = 'vote' AND a.state IN ('leased', 'submitted'))"""
        )
        (above,) = cursor.fetchone() or (0,)
    return Checked(duplicates=twice + above, lost=lost)


def _lost(sent: dict[str, Task]) -> int:
    kept: dict[str, list[list[str]]] = {}
    ids = list(sent)
    for start in range(0, len(ids), 5_000):
        rows = Ranking.objects.in_force().filter(assignment_id__in=ids[start : start + 5_000])
        kept |= {str(pk): groups for pk, groups in rows.values_list("assignment_id", "groups")}
    return sum(not _same(task, kept.get(pk)) for pk, task in sent.items())


def _same(task: Task, groups: list[list[str]] | None) -> bool:
    if groups is None:
        return False
    return not task["completions"] or groups == [[pk] for pk in task["completions"]]
