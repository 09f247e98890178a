"""A manager takes a project's data home, in a real browser."""

from __future__ import annotations

import zipfile

import pytest
from playwright.sync_api import expect

from accounts.models import User
from exports import tasks
from labeling.models import Project
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.test_setting_up import check_screen

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_an_export_is_written_while_its_page_is_open_and_taken_home_as_one_zip(
    visit: Visits, project: Project, mona: User, alice: User
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    page = visit(mona).open("/manage/projects/demo/")
    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("rankings: One row").check()
    page.get_by_role("button", name="Write the export").click()
    expect(page.get_by_text("It waits for a worker.")).to_be_visible()
    check_screen(page)
    assert tasks.run_export(str(project.exports.get().pk)) == "finished"
    button = page.get_by_role("link", name="Download all of it as one zip")
    expect(button).to_be_visible()  # the page renews itself
    check_screen(page)
    with page.expect_download() as download:
        button.click()
    archive = zipfile.ZipFile(download.value.path())
    assert archive.testzip() is None
    assert sorted(name.rpartition("/")[2] for name in archive.namelist()) == [
        "README.md", "SHA256SUMS", "manifest.json", archive.namelist()[0].rpartition("/")[2],
    ]  # fmt: skip
    assert "rankings/" in archive.namelist()[0]
