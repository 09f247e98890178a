"""In a real browser: what is read before the next task."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling import projects
from labeling.models import Acknowledgement, Assignment, Project
from tests.journeys.conftest import Visits

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_new_version_of_the_guidelines_is_read_with_one_key_before_the_next_task(
    visit: Visits, project: Project, alice: User, mona: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    for place in ("1", "2", "3", "4"):
        page.keyboard.press(place)
    projects.publish_guidelines(project=project, text="# Guidelines\n\nBe helpful and short.", by=mona)
    page.keyboard.press("Control+Enter")
    expect(page.locator("ins")).to_have_text(" and short")
    expect(page.get_by_text("Ranking submitted.")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The second question?")).to_be_visible()
    assert Acknowledgement.objects.get().version.number == 2


def test_keys_that_print_repeat_or_compose_acknowledge_nothing(
    visit: Visits, project: Project, alice: User, mona: User
) -> None:
    projects.publish_guidelines(project=project, text="# Guidelines\n\nBe short.", by=mona)
    page = visit(alice).open(f"/projects/{project.slug}/agree/?then=chat")
    others = ("isComposing: true", "keyCode: 229", "altKey: true, modifierAltGraph: true", "repeat: true")
    for other in others:
        page.evaluate(
            "document.body.dispatchEvent(new KeyboardEvent('keydown',"
            f" {{bubbles: true, key: 'Enter', ctrlKey: true, {other}}}))"
        )
    page.keyboard.press("Enter")  # nothing has the focus that would send
    expect(page.get_by_role("button", name="I have read it")).to_be_visible()
    assert not Acknowledgement.objects.exists()
