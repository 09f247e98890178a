"""Tasks are offered in the languages in which a person works: on home, as the next task, to programs, for review."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import languages
from accounts.models import User
from labeling import dialogues, leases, projects
from labeling.errors import NotOffered
from labeling.models import Project
from tests import makers


@pytest.fixture
def german(project: Project) -> Project:
    projects.change_settings(project=project, language="de-CH")
    return project


def test_a_person_who_says_nothing_is_offered_everything(german: Project, alice: User) -> None:
    makers.make_comparison(german)
    assert leases.lease_next(project=german, trainer=alice)[1]


@pytest.mark.parametrize(
    ("spoken", "tag", "offered"),
    [
        (["de"], "de-CH", True), (["en", "de"], "de", True), (["en"], "de", False), (["en"], "DE", False),
        (["en"], "und", True), (["en"], "mul", True), (["en"], "", True), ([], "de", True),
    ],
)  # fmt: skip
def test_only_the_first_part_of_a_tag_counts(spoken: list[str], tag: str, offered: bool) -> None:
    assert languages.works_in(User(languages=spoken), tag) is offered


def test_no_task_of_another_language_is_given_and_one_that_was_begun_is_finished(german: Project, alice: User) -> None:
    makers.make_comparison(german)
    begun, _ = leases.lease_next(project=german, trainer=alice)
    assert begun is not None
    languages.set_languages(person=alice, tags=["en", "fr", "no such"])
    assert alice.languages == ["en", "fr"]
    again, new = leases.lease_next(project=german, trainer=alice)
    assert again is not None
    assert (again.pk, new) == (begun.pk, False)
    begun.delete()
    with pytest.raises(NotOffered, match="This project is in Deutsch"):
        leases.lease_next(project=german, trainer=alice)
    with pytest.raises(NotOffered):
        dialogues.start_dialogue(project=german, author=alice, kind="chat")


def test_home_says_why_and_the_account_page_changes_it(client: Client, german: Project, alice: User) -> None:
    makers.make_comparison(german)
    client.force_login(alice)
    client.post("/work-languages/", {"languages": ["en", ""]})
    assert "Saved" in client.get("/work-languages/").content.decode()
    unknown = client.post("/work-languages/", {"languages": ["de", "tlh"]})
    assert (unknown.status_code, "“tlh” is not in the list" in unknown.content.decode()) == (422, True)
    assert "Saved" not in unknown.content.decode()
    home = client.get("/").content.decode()
    assert "This project is in Deutsch, and you work in other languages." in home
    assert f"/projects/{german.slug}/rank/" not in home
    refused = client.post(f"/projects/{german.slug}/rank/")
    assert (refused.status_code, "This project is in Deutsch" in refused.content.decode()) == (422, True)
    assert 'value="de"' in client.get("/work-languages/").content.decode()
    client.post("/work-languages/", {"languages": ["en", "de"]})
    assert client.post(f"/projects/{german.slug}/rank/").status_code == 302


def test_a_reviewer_is_shown_what_she_can_read_and_the_manager_who_works_in_what(
    client: Client, german: Project, rita: User, mona: User
) -> None:
    other = makers.make_project("english")
    projects.set_membership(project=other, user=rita, role="reviewer")
    languages.set_languages(person=rita, tags=["en"])
    client.force_login(rita)
    shown = client.get("/review/").content.decode()
    assert f"/projects/{other.slug}/review/" in shown
    assert f"/projects/{german.slug}/review/" not in shown
    assert "1 project in a language in which you do not work is left out." in shown
    client.force_login(mona)
    assert "Works in: English" in client.get(f"/manage/projects/{german.slug}/people/").content.decode()
