"""A manager looks at a file of other people's pairs, imports it, reads what came in, and takes it back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling.models import Comparison, ImportRun, Project
from labeling.tasks import run_import
from tests.journeys.conftest import Visits
from tests.journeys.test_setting_up import check_screen

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
PAIR = {
    "prompt": [{"role": "user", "content": "Is the sky blue?"}],
    "chosen": [{"role": "assistant", "content": "**Yes**, mostly."}],
    "rejected": [{"role": "assistant", "content": "No."}],
}


def work() -> None:
    """What a worker does meanwhile."""
    assert run_import(str(ImportRun.objects.latest("created_at").pk)) in ("finished", "taken back")


def test_a_file_is_looked_at_imported_read_and_taken_back(
    visit: Visits, project: Project, mona: User, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps(PAIR) + "\n")
    page = visit(mona).open("/manage/projects/demo/")
    page.locator("summary", has_text="Data").click()
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Look at it first").click()
    expect(page.get_by_text("It waits to be read.")).to_be_visible()
    work()
    button = page.get_by_role("button", name="Import 1 comparison")
    expect(button).to_be_visible()  # the page renews itself
    expect(page.locator("strong", has_text="Yes")).to_be_visible()
    check_screen(page)
    button.click()
    expect(page.get_by_text("It waits to be read.")).to_be_visible()
    work()
    page.get_by_role("link", name="See the 1 comparison").click()
    better = page.get_by_role("region").filter(has=page.locator("strong", has_text="Yes")).get_by_role("heading")
    expect(page.get_by_text(f"Judged: {better.inner_text()} > ")).to_be_visible()  # the letters are drawn
    check_screen(page)
    page.get_by_role("link", name="Back to the import").click()
    page.get_by_text("Take it back", exact=True).click()
    page.get_by_role("button", name="Take “pairs” back").click()
    expect(page.get_by_text("What came in is being taken back.")).to_be_visible()
    work()
    expect(page.get_by_text("It was taken back.")).to_be_visible()
    assert not Comparison.objects.exists()
