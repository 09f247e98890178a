"""A project's language is a tag that others read, its currency a code; what an older version let in stays readable."""

from __future__ import annotations

import pytest
from babel.core import get_global
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from labeling import project_values, projects
from labeling.errors import Invalid
from labeling.models import Project
from tests.managing.test_set_up import settings_of

SITE = "/manage/projects/demo/settings/"
TAGS = ("en", "pt-BR", "zh-Hant-TW", "es-419", "de-CH-1996", "sr-Latn", "gsw", "und", "zh-cmn-Hans", "ar-u-nu-latn",
        "x-whatever", "DE", "sl-rozaj-biske", "de-a-value-x-own")  # fmt: skip
NO_TAGS = ("", "english", "Deutsch", "e", "en_US", "en-", "-en", "en US", "pt-BRAZILIAN1", "de-419-DE", "en-x",
           "日本語", "en\n")  # fmt: skip


@pytest.mark.parametrize("tag", TAGS)
def test_a_language_tag_is_taken(tag: str) -> None:
    assert project_values.language_tag(tag) == tag


@pytest.mark.parametrize("tag", NO_TAGS)
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValidationError, match="BCP 47"):
        project_values.language_tag(tag)


def test_the_currencies_are_those_that_are_money_somewhere() -> None:
    rows = [row for found in get_global("territory_currencies").values() for row in found]
    tender = {code for code, _, end, is_tender in rows if end is None and is_tender}
    assert tender <= project_values.CURRENCIES <= set(get_global("all_currencies"))


@pytest.mark.parametrize("code", ["Eur", "EU", "XTS", "DEM", "€", "ABC"])
def test_what_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(ValidationError, match="ISO 4217"):
        project_values.currency(code)


@pytest.mark.django_db
def test_the_settings_say_what_is_expected_at_the_field(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    said = settings_of(project)
    for name, value, words in (("language", "english", "BCP 47"), ("currency", "XTS", "ISO 4217")):
        answer = client.post(SITE, {**said, name: value})
        told = answer.content.decode().partition(f'id="id_{name}_error"')[2][:200]
        assert (answer.status_code, words in told) == (422, True)
        with pytest.raises(Invalid, match=words):
            projects.change_settings(project=project, **{name: value})
    assert client.post(SITE, {**said, "language": " pt-BR ", "currency": "brl"}).status_code == 302
    project.refresh_from_db()
    assert (project.language, project.currency) == ("pt-BR", "BRL")
    with pytest.raises(Invalid, match="BCP 47"):
        projects.create_project(slug="other", title="Other", language="english")


@pytest.mark.django_db
def test_values_of_an_older_version_stay_until_they_are_changed(client: Client, project: Project, mona: User) -> None:
    Project.objects.update(language="english", currency="Eur")
    project.refresh_from_db()
    client.force_login(mona)
    assert client.get(f"/projects/{project.slug}/guidelines/").status_code == 200
    said = settings_of(project)
    assert (said["language"], said["currency"]) == ("english", "Eur")
    assert client.post(SITE, {**said, "title": "Still here"}).status_code == 302
    project.refresh_from_db()
    assert (project.title, project.language, project.currency) == ("Still here", "english", "Eur")
    projects.change_settings(project=project, language="english", daily_goal=5)
    assert client.post(SITE, {**said, "title": "Still here", "language": "German"}).status_code == 422
