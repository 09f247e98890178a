"""What a page does not offer is refused with a sentence and changes nothing: choices, buttons and grades."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import notices
from accounts.models import NoticeKind, User
from labeling.models import Assignment, Project, Ranking
from moderation import marks
from moderation.models import Verdict, VerdictFeedback
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("way", ["shown", "mailed"])
def test_notices_of_a_kind_that_there_is_not(client: Client, alice: User, way: str) -> None:
    client.force_login(alice)
    answer = client.post("/notices/", {"shown": ["goal"], "mailed": ["goal"], way: ["goal", "rumour"]})
    assert answer.status_code == 422
    assert "Nothing was saved: “rumour” is not in the list." in answer.content.decode()
    chosen = notices.choices_of(alice)
    assert (chosen.not_shown, chosen.not_mailed) == ([], [])
    client.post("/notices/", {"shown": NoticeKind.values, "mailed": ["goal"]})
    assert NoticeKind.GOAL not in notices.choices_of(alice).not_mailed


def test_more_languages_than_are_kept(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/work-languages/").content.decode()
    codes = [part.split('"')[0] for part in page.split('value="')[1:]]
    many = [code for code in codes if 2 <= len(code) <= 3][:31]
    answer = client.post("/work-languages/", {"languages": many})
    assert (len(many), answer.status_code) == (31, 422)
    assert "choose at most 30 languages" in answer.content.decode()
    alice.refresh_from_db()
    assert alice.languages == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("strength-1", "9", "A strength is a whole number"), ("ideal_from", "Z", "is not on this page")],
)
def test_what_a_ranking_cannot_say(client: Client, task: Assignment, field: str, value: str, words: str) -> None:
    client.force_login(task.trainer)
    letters = dict(zip("ABCD", "1234", strict=True))
    places = {f"read-{letter}": "1" for letter in letters} | {f"place-{letter}": at for letter, at in letters.items()}
    answer = client.post(f"/ranking/{task.pk}/", places | {field: value})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not Ranking.objects.exists()


@pytest.mark.parametrize(
    "said", [{}, {"harmful": "maybe"}, {"harmful": "1", "category": "boring"}, {"harmful": "", "category": "hate"}]
)
def test_what_nobody_can_say_of_a_verdict(client: Client, project: Project, alice: User, said: dict[str, str]) -> None:
    verdict = Verdict.objects.filter(target_id=makers.make_demonstration(project, alice).turns.all()[0].pk)[0]
    client.force_login(alice)
    assert client.post(f"/content/{verdict.pk}/", said).status_code == 400
    assert not VerdictFeedback.objects.exists()


def test_a_decision_that_is_none_and_a_grade_that_is_no_number(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    dialogue = makers.make_demonstration(project, alice)
    verdict = Verdict.objects.filter(target_id=dialogue.turns.all()[0].pk)[0]
    mark = marks.mark(verdict=verdict, user=alice, harmful=True)
    client.force_login(rita)
    assert client.post(f"/content/{mark.pk}/decide/", {"harmful": "1", "confirmed": "perhaps"}).status_code == 400
    graded = client.post(f"/review/dialogues/{dialogue.pk}/", {"decision": "accepted", "grade": "best"})
    assert (graded.status_code, "A grade is a whole number from 1 to 7" in graded.content.decode()) == (422, True)


def test_agreeing_to_what_is_not_asked(client: Client, project: Project, alice: User) -> None:
    client.force_login(alice)
    assert client.post(f"/projects/{project.slug}/agree/", {"what": "weather", "version": "1"}).status_code == 400
