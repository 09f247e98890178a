"""Reviewers decide marks; the confusion table, its rates and the what-if curve move with them."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from insights import content_filter
from labeling.errors import Gone, Invalid
from labeling.models import Project
from moderation import marks, queue, reports
from moderation.models import Verdict
from screening import rules
from tests import makers

pytestmark = pytest.mark.django_db


def verdict(project: Project, score: float, *, action: str = "warn", category: str = "violence") -> Verdict:
    made = makers.make_demonstration(project, project.memberships.all()[0].user)
    turn = made.turns.earliest("position")
    Verdict.objects.filter(target_id=turn.pk).update(
        scores={category: score}, action=action, category=category if action != "none" else ""
    )
    return Verdict.objects.get(target_id=turn.pk)


def counted(project: Project, category: str) -> tuple[int, int, int, int]:
    (found,) = content_filter.found_of(project)
    row = next(row for row in found.rows if row.category == category and not row.language)
    confusion = row.confusion
    return confusion.caught, confusion.wrong, confusion.missed, confusion.passed


def test_the_confusion_table_moves_with_marks_and_again_with_decisions(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    warned, passed = verdict(project, 0.6), verdict(project, 0.1, action="none")
    assert counted(project, reports.ANY) == (0, 0, 0, 0)
    wrong = marks.mark(verdict=warned, user=alice, harmful=False)
    missed = marks.mark(verdict=passed, user=alice, harmful=True, category="violence")
    assert counted(project, reports.ANY) == (0, 1, 1, 0)
    assert counted(project, "violence") == (0, 1, 1, 0)
    assert counted(project, "hate") == (0, 0, 0, 2)
    marks.decide(mark=wrong, reviewer=rita, harmful=False, confirmed=False)
    assert counted(project, "violence") == (1, 0, 1, 0)
    marks.decide(mark=missed, reviewer=rita, harmful=True, confirmed=False)
    assert counted(project, "violence") == (1, 0, 0, 1)
    marks.decide(mark=missed, reviewer=rita, harmful=True, confirmed=True)  # turned round
    assert counted(project, "violence") == (1, 0, 1, 0)
    (found,) = content_filter.found_of(project)
    row = found.rows[0]
    assert row.decided == 2
    assert row.confusion.precision is not None
    value, low, high = row.confusion.precision
    assert value == 1
    assert 0 < low < 0.3
    assert high == 1


def test_as_many_for_as_against_count_as_nothing_until_a_reviewer_decides(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    warned = verdict(project, 0.6)
    marks.mark(verdict=warned, user=alice, harmful=False)
    theirs = marks.mark(verdict=warned, user=bob, harmful=True)
    assert counted(project, reports.ANY) == (0, 0, 0, 0)
    marks.decide(mark=theirs, reviewer=rita, harmful=True, confirmed=True)
    assert counted(project, reports.ANY) == (1, 0, 0, 0)


def test_a_mark_that_changed_waits_again_and_nobody_decides_their_own(
    project: Project, alice: User, rita: User
) -> None:
    warned = verdict(project, 0.6)
    mark = marks.mark(verdict=warned, user=alice, harmful=False)
    own = marks.mark(verdict=warned, user=rita, harmful=False)
    marks.decide(mark=mark, reviewer=rita, harmful=False, confirmed=True)
    assert list(queue.undecided(project)) == [own]
    with pytest.raises(Invalid):
        marks.decide(mark=own, reviewer=rita, harmful=False, confirmed=True)
    marks.mark(verdict=warned, user=alice, harmful=True)
    assert list(queue.undecided(project)) == [mark, own]
    with pytest.raises(Gone):
        marks.decide(mark=mark, reviewer=rita, harmful=False, confirmed=True)


def test_the_what_if_curve_is_counted_from_stored_scores(project: Project, alice: User) -> None:
    for score, harmful in ((0.9, True), (0.6, False), (0.2, True)):
        marks.mark(verdict=verdict(project, score), user=alice, harmful=harmful, category="violence" if harmful else "")
    (found,) = content_filter.found_of(project)
    at = {point.threshold: point.confusion for point in found.points if point.category == "violence"}
    assert (at[0.1].caught, at[0.1].wrong, at[0.1].missed) == (2, 1, 0)
    assert (at[0.5].caught, at[0.5].wrong, at[0.5].missed) == (1, 1, 1)
    assert (at[0.7].caught, at[0.7].wrong, at[0.7].missed) == (1, 0, 1)


def test_the_queue_is_decided_by_a_click_and_the_figures_are_a_page_a_file_and_json(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    mark = marks.mark(verdict=verdict(project, 0.6), user=alice, harmful=False, comment="It is chess.")
    client.force_login(rita)
    page = client.get(f"/projects/{project.slug}/review/content/").content.decode()
    assert "It is chess." in page
    assert "The filter warns of it: violence." in page
    assert (
        client.get(f"/projects/{project.slug}/review/content/?kind=missed").content.decode().count("It is chess.") == 0
    )
    answer = client.post(f"/content/{mark.pk}/decide/?kind=wrong", {"harmful": "0", "confirmed": "1"})
    assert answer.headers["Location"] == f"/projects/{project.slug}/review/content/?kind=wrong"
    assert "Nothing waits here." in client.get(answer.headers["Location"]).content.decode()
    figures = client.get(f"/admin/insights/{project.slug}/filter/").content.decode()
    assert "wrongly flagged" in figures
    assert client.get(f"/admin/insights/{project.slug}/filter/?all=1").status_code == 200
    table = client.get(f"/admin/insights/{project.slug}/filter/tables/confusion.csv").getvalue().decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert rows[0]["category"] == "any"
    assert rows[0]["wrongly flagged"] == "1"
    assert "threshold" in client.get(f"/admin/insights/{project.slug}/filter/tables/what-if.csv").getvalue().decode()
    machine = {"Authorization": f"Bearer {tokens.create(user=rita)}"}
    told = client.get(f"/api/v1/projects/{project.slug}/insights/filter/", headers=machine).json()
    assert told["filters"][0]["confusion"][0]["wrongly_flagged"] == 1
    assert told["filters"][0]["confusion"][0]["precision"]["value"] == 0


def test_figures_by_language_take_the_projects_side_by_side(project: Project, alice: User) -> None:
    other = makers.make_project("zwei", language="de")
    makers.make_member(other, "dora")
    marks.mark(verdict=verdict(project, 0.6), user=alice, harmful=False)
    marks.mark(verdict=verdict(other, 0.6), user=alice, harmful=True)
    (found,) = content_filter.found_of(project, beside=[other])
    cells = {row.language: row.confusion for row in found.rows if row.category == reports.ANY}
    assert sorted(cells) == ["", "de", "en"]
    assert (cells["de"].caught, cells["en"].wrong, cells[""].caught) == (1, 1, 1)


def test_a_category_that_is_off_flags_nothing(project: Project, alice: User) -> None:
    marks.mark(verdict=verdict(project, 0.9), user=alice, harmful=True, category="violence")
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=None)
    assert counted(project, "violence") == (0, 0, 1, 0)
