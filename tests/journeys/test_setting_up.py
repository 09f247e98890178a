"""A manager who knows no Django sets up a project from nothing to its first ranking, reading only the screen."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.apps import apps
from django.db import connection
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from labeling import tasks
from labeling.models import Membership, Project, Ranking
from tests import makers
from tests.journeys.conftest import Visits
from tests.sampler.conftest import serving

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
MOST_ACTIONS, MOST_SECONDS = 25, 180
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", re.IGNORECASE)
JSON = re.compile(r"[{\[]\s*[\"']\w+[\"']\s*[:,\]]|\{\}|\[\]")
TABLES = {model.__name__ for model in apps.get_models() if model._meta.app_label != "auth"}
MODEL_NAMES = re.compile(r"\b(" + "|".join(sorted(name for name in TABLES if re.search("[a-z][A-Z]", name))) + r")\b")


def seen_by(page: Page) -> str:
    """What stands on the screen, the fields' own texts and the address of project pages included."""
    fields = "[...document.querySelectorAll('input:not([type=hidden]):not([type=checkbox]), textarea')]"
    values = page.evaluate(f"{fields}.map((one) => one.value).join(' ')")
    shown = page.locator("body").inner_text()
    address = page.url if "/manage/" in page.url else ""
    return f"{shown} {values} {address}"


def check_screen(page: Page) -> None:
    text = seen_by(page)
    for what, pattern in (("a UUID", UUID), ("JSON", JSON), ("a model name", MODEL_NAMES)):
        found = pattern.search(text)
        assert found is None, f"{what} on {page.url}: {found and found.group()}"


@dataclass
class Counted:
    """What a person does, counted: a click, a filled field and a key are one action each; a click ends with a look."""

    page: Page
    actions: int = 0

    def click(self, target: Locator) -> None:
        self.actions += 1
        target.click()
        self.page.wait_for_load_state("load")
        check_screen(self.page)

    def fill(self, label: str, text: str) -> None:
        self.actions += 1
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, key: str) -> None:
        self.actions += 1
        self.page.keyboard.press(key)


@contextmanager
def beating() -> Iterator[None]:
    """What beat does every few seconds: stock is kept, sampled comparisons are opened."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.2):
            tasks.tend()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def manager(transactional_db: None) -> Iterator[User]:
    """Somebody who manages a project already, and the fake engine at work."""
    old = makers.make_project("older", with_round=False)
    makers.make_model("parrot", location="", weights_hash="")
    with serving("parrot"), beating():
        yield makers.make_member(old, "mona", role="manager")


def test_from_nothing_to_the_first_ranked_comparison(visit: Visits, manager: User) -> None:
    page = visit(manager).open("/")
    began = time.monotonic()
    counted = Counted(page)
    counted.click(page.locator("summary[aria-label^='Menu']"))
    counted.click(page.get_by_role("link", name="Manage projects"))
    counted.click(page.locator("main").get_by_role("link", name="New project"))
    counted.fill("Title", "Kind answers")
    expect(page.get_by_label("parrot")).to_be_checked()  # the only model there is
    counted.fill("Trainers (optional)", "ada@example.org\nBob <bob@example.org>")
    counted.fill("Prompts (optional)", "How do I boil an egg?\nWhy is the sky blue?\nWhat is a fjord?")
    counted.click(page.get_by_role("button", name="Set the project up"))
    expect(page.get_by_role("heading", name="What is left to do")).to_be_visible()
    expect(page.get_by_text("Write the guidelines that trainers see")).to_be_visible()
    expect(page.locator("code")).to_have_count(2)
    counted.click(page.get_by_role("link", name="Write the guidelines that trainers see"))
    counted.fill("Guidelines", "# Kindness\n\nPrefer the answer that helps.")
    counted.click(page.get_by_role("button", name="Publish version 1"))
    expect(page.get_by_role("heading", name="What is left to do")).to_have_count(0)
    expect(page.get_by_text("wait for a first ranking")).to_be_visible(timeout=60_000)
    counted.click(page.get_by_role("button", name="Rank the first one yourself"))
    for letter in "ABCD":
        counted.press(str("ABCD".index(letter) + 1))
    counted.press("Control+Enter")
    expect(page.get_by_text("Submitted").first).to_be_visible()
    seconds = time.monotonic() - began
    project = Project.objects.get(slug="kind-answers")
    assert Ranking.objects.get().comparison.project == project
    assert Membership.objects.get(project=project).user == manager
    print(f"{counted.actions} actions, {seconds:.0f} s")
    assert counted.actions <= MOST_ACTIONS
    assert seconds < MOST_SECONDS
