"""Pages in the language that their reader chose, or whose browser asks for it; data and machines stay as they are."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts import tokens
from accounts.models import User
from labeling import invitations, rankings
from labeling.models import Assignment, Project, Ranking
from tests import makers
from tests.labeling.asking import places

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}


def test_the_browsers_language_is_taken_until_one_is_chosen(client: Client, project: Project, alice: User) -> None:
    client.force_login(alice)
    assert "What would you like to do?" in client.get("/").content.decode()
    page = client.get("/", headers=GERMAN).content.decode()
    assert "Was möchtest du tun?" in page
    assert '<html lang="de"' in page
    assert client.post("/language/", {"language": "es"}, headers={"referer": "http://testserver/history/"})["Location"]
    page = client.get("/", headers=GERMAN).content.decode()
    assert "¿Qué quieres hacer?" in page
    assert client.post("/language/", {"language": "tlh"}).status_code == 400
    assert "What would you like to do?" not in client.get("/").content.decode(), "no such language: the choice stays"


def test_a_language_can_be_chosen_before_signing_in(client: Client, db: None) -> None:
    client.post("/language/", {"language": "de"})
    assert "Neu hier? Du brauchst eine Einladung" in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("language", "words"), [("de", "Sag, warum du das überspringst."), ("es", "Di por qué omites")]
)
def test_refusals_are_in_the_language_of_the_page(client: Client, task: Assignment, language: str, words: str) -> None:
    client.cookies["language"] = language
    assert words in client.post(f"/ranking/{task.pk}/skip/", {"skip_reason": ""}).content.decode()


def test_what_is_stored_is_the_same_in_every_language(client: Client, task: Assignment) -> None:
    client.cookies["language"] = "de"
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    assert 'value="Not my subject"> Nicht mein Gebiet' in page
    client.post(f"/ranking/{task.pk}/skip/", {"skip_reason": "Not my subject"})
    task.refresh_from_db()
    assert task.skip_reason == "Not my subject"
    assert "Nicht mein Gebiet" in client.get("/history/").content.decode()


def test_why_nothing_could_be_ranked_is_told_in_the_readers_language(
    client: Client, task: Assignment, alice: User, rita: User
) -> None:
    reason = "The prompt makes no sense"
    rankings.submit_ranking(assignment=task, groups=[], not_rankable=reason)
    client.cookies["language"] = "de"
    assert "nicht einzuordnen: Der Prompt ergibt keinen Sinn" in client.get("/history/").content.decode()
    client.force_login(rita)
    review = f"/review/rankings/{Ranking.objects.get().pk}/"
    for page in (review + "?order=1", f"/review/comparisons/{task.comparison_id}/"):
        shown = client.get(page).content.decode()
        assert "Der Prompt ergibt keinen Sinn" in shown
        assert f">{reason}<" not in shown


def test_the_api_and_the_admin_site_speak_english(client: Client, task: Assignment, project: Project) -> None:
    client.cookies["language"] = "de"
    token = tokens.create(user=task.trainer, scopes=["label"])
    answer = client.put(
        f"/api/v1/assignments/{task.pk}/ranking/",
        {"groups": []},
        content_type="application/json",
        headers=GERMAN | {"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 400
    assert "Give every completion a place first." in answer.content.decode()
    client.force_login(makers.make_user("olga", is_staff=True, is_superuser=True))
    assert '<html lang="en' in client.get("/admin/").content.decode()


def test_a_ranking_is_submitted_from_a_german_page(client: Client, task: Assignment) -> None:
    client.cookies["language"] = "de"
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    assert "Absenden" in page
    assert client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3, 4)).status_code == 302


@pytest.mark.parametrize(
    ("language", "word"), [("en", "as a trainer."), ("de", "als: Trainer."), ("es", "como: entrenador.")]
)
def test_a_role_within_a_sentence_is_written_as_the_language_writes_it(
    client: Client, project: Project, mona: User, language: str, word: str
) -> None:
    """German nouns keep their capital."""
    _, token = invitations.invite(project=project, role="trainer", by=mona)
    client.cookies["language"] = language
    page = client.get(reverse("invitation", args=[token])).content.decode()
    assert word in page
