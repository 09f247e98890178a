"""A trainer looks up their own numbers and takes the month's time home; the manager does the same for everybody."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling import projects
from labeling.models import Assignment, Project
from tests import makers
from tests.journeys.conftest import Visits

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_time_is_looked_up_and_taken_home(
    visit: Visits, project: Project, alice: User, mona: User, tmp_path: Path
) -> None:
    projects.change_settings(project=project, daily_goal=3, rate_per_task=2, currency="EUR")
    makers.make_ranking(makers.make_comparison(project, votes=2), alice)
    Assignment.objects.update(seconds=4500)
    page = visit(alice).open("/")
    expect(page.get_by_text("1 of the day’s goal of 3")).to_be_visible()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="My numbers").press("Enter")
    expect(page.get_by_role("heading", level=2, name="Active time")).to_contain_text("1:15")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download as CSV").press("Enter")
    taken.value.save_as(tmp_path / "own.csv")
    page.get_by_role("link").filter(has_text="20").first.press("Enter")  # the month before
    expect(page.get_by_text("No active time in this month.")).to_be_visible()
    page = visit(mona).open(f"/manage/projects/{project.slug}/")
    page.locator("summary", has_text="Team").press("Enter")
    page.get_by_role("link", name="Time", exact=True).press("Enter")
    expect(page.get_by_role("row").filter(has_text="alice")).to_contain_text("2.00 EUR")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download the days as CSV").click()
    taken.value.save_as(tmp_path / "all.csv")
    own, everybody = (list(csv.reader((tmp_path / name).read_text().splitlines())) for name in ("own.csv", "all.csv"))
    assert own == everybody
    assert own[1][1:] == ["alice", project.title, "4500", "1.25", "1", "0", "0"]
