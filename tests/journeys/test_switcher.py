"""The project switcher of the manager's site on a phone, in every language; and what a change of language keeps."""

from __future__ import annotations

import pytest
from django.conf import settings
from playwright.sync_api import expect

from accounts.models import User
from labeling.models import Project
from tests.journeys.conftest import Visits

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
CUT = "(name) => [name.clientWidth < name.scrollWidth, name.getBoundingClientRect().right > innerWidth]"


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_the_switcher_is_read_whole_on_a_phone(
    visit: Visits, project: Project, mona: User, language: str, width: int
) -> None:
    visitor = visit(mona, viewport={"width": width, "height": 640})
    visitor.context.add_cookies([{"name": "language", "value": language, "url": visitor.url}])
    for address in ("/manage/", f"/manage/projects/{project.slug}/"):
        page = visitor.open(address)
        name = page.locator(".switcher > summary b")
        expect(name).to_be_visible()
        assert name.evaluate(CUT) == [False, False], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".switcher > summary").click()
    expect(page.locator(".switcher > div")).to_be_in_viewport(ratio=1)


def test_a_form_that_was_begun_outlives_a_change_of_language(visit: Visits, project: Project, mona: User) -> None:
    page = visit(mona).open(f"/manage/projects/{project.slug}/settings/")
    page.get_by_label("Title", exact=True).fill("Kinder answers")
    page.locator("[name=task_types]").first.uncheck()
    page.locator(".bar nav [data-menu] > summary").click()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("[name=title]")).to_have_value("Kinder answers")
    expect(page.locator("[name=task_types]").first).not_to_be_checked()
    expect(page.locator("[name=task_types]").nth(1)).to_be_checked()
    project.refresh_from_db()
    assert project.title != "Kinder answers"
