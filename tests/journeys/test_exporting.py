"""A manager takes a project's data home, in a real browser."""

from __future__ import annotations

import zipfile

import pytest
from playwright.sync_api import expect
from pytest_django import Settings

from accounts.models import User
from exports import runs, tasks
from hub import tasks as hub_tasks
from labeling.models import Project
from managing.pages.exporting import name_of
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.test_setting_up import check_screen
from tests.stand_ins.hub import TOKEN, hub_server

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_an_export_is_written_while_its_page_is_open_and_taken_home_as_one_zip(
    visit: Visits, project: Project, mona: User, alice: User
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    page = visit(mona).open("/manage/projects/demo/")
    page.locator("summary", has_text="Data").click()
    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("Whole orders (rankings)").check()
    page.get_by_role("button", name="Write the export").click()
    expect(page.get_by_text("It waits to be written.")).to_be_visible()
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


def test_an_export_is_pushed_to_the_hub_and_taken_back(
    visit: Visits, project: Project, mona: User, alice: User, settings: Settings
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    run = runs.request(project=project, trigger="admin", by=mona, ring=False)
    assert tasks.run_export(str(run.pk)) == "finished"
    page = visit(mona).open(f"/manage/projects/demo/exports/{name_of(run)}/")
    with hub_server() as hub:
        settings.HUB_ENDPOINT, settings.HUB_TOKEN, settings.HUB_NAMESPACES = hub.url, TOKEN, {"acme": frozenset()}
        page.get_by_role("link", name="Push it to the Hugging Face Hub").click()
        page.get_by_label("Name of the new data set").fill("kind-answers")
        page.get_by_role("button", name="Push it to the Hub").click()
        expect(page.get_by_text("not there yet")).to_be_visible()
        check_screen(page)
        push = project.hub_repositories.get().pushes.get()
        assert hub_tasks.push(str(push.pk)) == "finished"
        expect(page.get_by_text("on the Hub", exact=True)).to_be_visible()  # the page renews itself
        assert hub.repos["acme/kind-answers"].private
        page.get_by_text("Take it back", exact=True).click()
        page.get_by_role("button", name="Delete acme/kind-answers from the Hub").click()
        expect(page.get_by_text("being deleted", exact=True)).to_be_visible()
        assert hub_tasks.take_back(str(push.repository_id)) == "gone"
        expect(page.get_by_text("Taken back by mona")).to_be_visible()
        assert not hub.repos
