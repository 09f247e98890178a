"""The row of a project's pages: in groups for whoever manages it, with the page where one is marked."""

from __future__ import annotations

import re

from django.test import Client

from accounts.models import User
from labeling.models import Project

SITE = "/manage/projects/demo/"


def row(client: Client, address: str, language: str = "en") -> str:
    client.cookies["language"] = language
    page = client.get(address).content.decode()
    found = re.search(r'<div class="places">(.*?)</nav>', page, re.S)
    assert found is not None
    return found.group(1)


def test_a_manager_has_daily_pages_in_the_row_and_the_others_in_menus(
    client: Client, project: Project, mona: User
) -> None:
    client.force_login(mona)
    found = row(client, f"{SITE}guidelines/")
    menus = re.findall(r"<details.*?</details>", found, re.S)
    in_the_row = re.sub(r"<details.*?</details>", "", found, flags=re.S)
    assert [re.sub("<.*?>", "", one) for one in re.findall(r"<li>(<a.*?</a>)", in_the_row)] == [
        "Overview", "Progress", "Insights", "Queue",
    ]  # fmt: skip
    assert [re.findall(r"<summary[^>]*>([^<]*)", menu)[0].strip() for menu in menus] == ["Team", "Set up", "Data"]
    assert sum(menu.count("<a ") for menu in menus) == 15
    assert ['aria-current="true"' in menu for menu in menus] == [False, True, False]  # which menu holds this page
    assert re.search(r'guidelines/" aria-current="page">Guidelines<', menus[1])
    assert "Guidelines</span>" in menus[1].partition("</summary>")[0]  # and its name, though the menu is closed


def test_a_reviewer_has_all_pages_in_the_row(client: Client, project: Project, rita: User) -> None:
    client.force_login(rita)
    found = row(client, SITE)
    assert "<details" not in found
    assert found.count("<a ") == 6


def test_pages_below_insights_belong_to_it_and_the_row_keeps_the_readers_language(
    client: Client, project: Project, mona: User
) -> None:
    client.force_login(mona)
    for page in ("", "rounds/", "filter/", "red-team/"):
        found = row(client, f"/admin/insights/demo/{page}", "de")
        assert re.search(r'insights/demo/" aria-current="page">Auswertung<', found), page
        assert "Einrichten" in found
    assert "Fortschritt" in row(client, "/admin/insights/demo/progress/", "de")
