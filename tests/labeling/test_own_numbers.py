"""What a trainer gets back: own numbers by project, the time sheet, and the same for the manager with its cost."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from labeling import assignments, corrections, projects, time_sheet
from labeling.models import Assignment, Dialogue, Project, Ranking
from labeling.pages import numbers
from labeling.quality import reviews
from managing.pages import costs
from tests import makers

pytestmark = pytest.mark.django_db


def ranked(project: Project, person: User, seconds: int) -> Ranking:
    ranking = makers.make_ranking(makers.make_comparison(project, votes=2), person)
    Assignment.objects.filter(rankings=ranking).update(seconds=seconds)
    Ranking.objects.filter(pk=ranking.pk).update(seconds=seconds)
    return ranking


def this_month() -> time_sheet.Month:
    return time_sheet.month_of("")


def test_time_stands_on_the_day_on_which_a_task_was_handed_in(project: Project, alice: User, bob: User) -> None:
    late = ranked(project, alice, 600)
    ranked(project, bob, 60)
    skipped = makers.make_lease(makers.make_comparison(project), alice)
    assignments.skip(assignment=skipped, reason="Not my subject")
    moment = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    Assignment.objects.filter(trainer=alice).update(ended_at=moment, seconds=600)
    makers.make_lease(makers.make_comparison(project), alice)  # nothing was done on it yet
    assert late.assignment is not None
    with timezone.override("UTC"):
        (line,) = time_sheet.sheet(time_sheet.month_of("2026-03"), person=alice)
        assert (line.day, line.seconds, line.rankings, line.hours) == (date(2026, 3, 31), 1200, 1, "0:20:00")
    with timezone.override("Europe/Berlin"):
        assert time_sheet.sheet(time_sheet.month_of("2026-03"), person=alice) == []
        (line,) = time_sheet.sheet(time_sheet.month_of("2026-04"), person=alice)
        assert line.day == date(2026, 4, 1)


def test_a_copy_that_was_made_to_be_changed_adds_only_its_own_time(project: Project, alice: User, rita: User) -> None:
    first = makers.make_demonstration(project, alice)
    Dialogue.objects.filter(pk=first.pk).update(seconds=100)
    copy = corrections.undo_submission(dialogue=first)
    Dialogue.objects.filter(pk=copy.pk).update(seconds=130)
    (line,) = time_sheet.sheet(this_month(), person=alice)
    assert (line.seconds, line.dialogues) == (130, 0)
    Dialogue.objects.filter(pk=copy.pk).update(state="submitted", submitted_at=timezone.now())
    reviews.decide(reviewer=rita, decision="returned", dialogue=Dialogue.objects.get(pk=copy.pk), comment="Shorter.")
    corrections.mend_dialogue(dialogue=Dialogue.objects.get(pk=copy.pk))
    (line,) = time_sheet.sheet(this_month(), person=alice)
    assert (line.seconds, line.dialogues) == (130, 1)


@pytest.mark.parametrize("name", ["", "soon", "2026-13", "9999-12", "0001-01", "2026-11-01", "٢٠٢٦-١١", "2026-11\x00"])
def test_a_month_that_cannot_be_read_is_this_one(name: str) -> None:
    assert time_sheet.month_of(name) == this_month()
    january = time_sheet.month_of("2026-01")
    assert (january.before.name, january.next.name) == ("2025-12", "2026-02")
    assert time_sheet.month_of("2020-01").is_over
    assert not this_month().is_over


def test_own_numbers_by_project(project: Project, alice: User, bob: User, rita: User) -> None:
    for n in range(5):
        comparison = makers.make_comparison(project, votes=2, k=2)
        mine = makers.make_ranking(comparison, alice, groups=[[0], [1]])
        makers.make_ranking(comparison, bob, groups=[[0], [1]] if n else [[1], [0]])
        Ranking.objects.filter(pk=mine.pk).update(seconds=100 * (n + 1))
    reviews.decide(reviewer=rita, decision="returned", ranking=mine, comment="Look again.")
    done = makers.make_demonstration(project, alice)
    reviews.decide(reviewer=rita, decision="accepted", dialogue=done, grade=6)
    (own,) = numbers.numbers(alice)
    assert (own.rankings, own.dialogues, own.accepted, own.returned) == (5, 1, 1, 1)
    assert (own.agreement, own.practice, own.median) == (80, None, "5 min")


def test_the_page_tells_the_goal_and_its_table_is_the_csv(client: Client, project: Project, alice: User) -> None:
    projects.change_settings(project=project, daily_goal=12)
    Project.objects.filter(pk=project.pk).update(title="=1+1")
    ranked(project, alice, 5400)
    client.force_login(alice)
    page = client.get("/numbers/").content.decode()
    assert "the day’s goal is 12" in page
    assert ">1:30:00</td>" in page
    assert "of the day’s goal" in client.get("/").content.decode()
    answer = client.get("/numbers/time.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="time-{this_month().name}.csv"'
    head, line = csv.reader(io.StringIO(answer.content.decode()))
    assert tuple(head) == time_sheet.HEAD
    assert line[1:] == ["alice", "'=1+1", "5400", "1.5", "1", "0", "0"]


def test_the_managers_page_tells_everybodys_time_what_it_cost_and_what_is_to_come(
    client: Client, project: Project, alice: User, bob: User, mona: User
) -> None:
    ranked(project, alice, 3600)
    ranked(project, bob, 1800)
    client.force_login(mona)
    assert costs.costs_of(project) is None
    assert "Set a rate per hour or per task" in client.get("/manage/projects/demo/time/").content.decode()
    projects.change_settings(project=project, rate_per_hour=Decimal(20), rate_per_task=Decimal("0.50"), currency="EUR")
    found = costs.costs_of(Project.objects.get(pk=project.pk))
    assert found == costs.Costs(spent="31.00 EUR", wanted=2, per_vote="15.50 EUR", forecast="31.00 EUR")
    page = client.get("/manage/projects/demo/time/").content.decode()
    assert "20.50 EUR" in page
    assert "1:30:00</h2>" in page
    lines = list(csv.reader(io.StringIO(client.get("/manage/projects/demo/time/days.csv").content.decode())))
    assert [(line[1], line[3]) for line in lines[1:]] == [("alice", "3600"), ("bob", "1800")]


def test_the_numbers_cost_the_same_queries_whatever_was_done(client: Client, project: Project, alice: User) -> None:
    client.force_login(alice)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/numbers/").status_code == 200
        return len(queries)

    ranked(project, alice, 60)
    small = cost()
    for number in range(3):
        other = makers.make_project(f"other-{number}")
        projects.set_membership(project=other, user=alice, role="trainer")
        ranked(other, alice, 60)
    later = timezone.now() + timedelta(seconds=1)
    Assignment.objects.filter(trainer=alice, state="leased").update(heartbeat_at=later)
    assert cost() == small <= 16
