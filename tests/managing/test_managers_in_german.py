"""Managers' pages in German hold no English of ours: not a word that the catalogue has in German."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import User
from labeling.models import Project
from tests.labeling.test_reviewers_in_german import english, texts
from tests.managing.test_imports import PAIR, press, read, upload
from tests.managing.test_page_queries import PAGES

SITE = "/manage/projects/demo/"
COLUMNS = {"prompt"}  # named in the sentence on a format, as they are in its files
FURTHER = {"thresholds": "/projects/demo/content/thresholds/", "queue": "/projects/demo/review/"}


def attributes(html: str) -> set[str]:
    """What is read out of or shown in a field."""
    return set(re.findall(r' (?:aria-label|data-label|placeholder|title)="([^"]*)"', html.partition("<main")[2]))


@pytest.mark.parametrize("address", [*PAGES.values(), *FURTHER.values()], ids=[*PAGES, *FURTHER])
def test_no_english_is_left_on_a_managers_page(client: Client, project: Project, mona: User, address: str) -> None:
    client.force_login(mona)
    client.cookies["language"] = "de"
    page = client.get(address).content.decode()
    assert '<html lang="de"' in page
    left = (texts(page) | attributes(page)) & (english() - COLUMNS)
    assert not left, left


def test_what_came_in_has_its_heading_in_the_readers_language(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    preview = read(upload(client, PAIR))
    press(client, preview, "import")
    read(run := project.import_runs.get(dry_run=False))
    client.cookies["language"] = "de"
    page = client.get(f"{SITE}imports/{run.created_at:%Y-%m-%d}-{run.pk.hex[:8]}/records/?kind=comparisons")
    assert "<h1>Vergleiche aus pairs</h1>" in page.content.decode()


def test_the_fields_of_a_round_name_their_model_in_the_readers_language(
    client: Client, project: Project, mona: User
) -> None:
    client.force_login(mona)
    client.cookies["language"] = "de"
    slug = project.rounds.get().policies.get().model_version.slug
    assert f"Gewicht von {slug}" in attributes(client.get(f"{SITE}rounds/new/").content.decode())
