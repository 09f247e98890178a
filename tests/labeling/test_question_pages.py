"""The pages on which people ask and read, and how a question is found from the task."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from accounts.models import User
from labeling import questions
from labeling.models import Assignment, Comparison, Project, Question
from labeling.quality import reviews
from tests import makers

ASKED = "Which counts more, <b>truth</b> or length?"
SHOWN = "Which counts more, &lt;b&gt;truth&lt;/b&gt; or length?"


def page(client: Client, user: User, address: str) -> str:
    client.force_login(user)
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def leased(comparison: Comparison, user: User) -> Assignment:
    return makers.make_lease(comparison, user)


def test_asked_at_a_task_answered_for_everybody_and_found_there_by_the_next(
    client: Client, project: Project, alice: User, bob: User, mona: User
) -> None:
    comparison = makers.make_comparison(project, votes=2)
    hers, his = leased(comparison, alice), leased(comparison, bob)
    address = f"/ranking/{hers.pk}/questions/"
    assert f'href="{address}"' in page(client, alice, f"/ranking/{hers.pk}/")
    assert client.post(address, {"text": " "}).status_code == 422
    answer = client.post(address, {"text": ASKED}, follow=True)
    assert answer.redirect_chain == [(address, 302)]
    html = answer.content.decode()
    assert SHOWN in html
    assert "waits for an answer" in html
    assert re.search(r">Questions \(1\)</a>", page(client, alice, f"/ranking/{hers.pk}/"))
    assert ">Questions</a>" in page(client, bob, f"/ranking/{his.pk}/")
    assert SHOWN not in page(client, bob, f"/ranking/{his.pk}/questions/")
    questions.answer(question=Question.objects.get(), by=mona, text="Truth & brevity.", for_everybody=True)
    assert ">Questions (1)</a>" in page(client, bob, f"/ranking/{his.pk}/")
    html = page(client, bob, f"/ranking/{his.pk}/questions/")
    assert SHOWN in html
    assert "Truth &amp; brevity." in html
    assert not re.search("alice|mona", html), "no names among trainers"
    other = leased(makers.make_comparison(project), bob)
    assert SHOWN not in page(client, bob, f"/ranking/{other.pk}/questions/"), "only with the same comparison"


def test_a_repeat_does_not_show_what_was_asked_the_first_time(
    client: Client, project: Project, alice: User, mona: User
) -> None:
    first = makers.make_comparison(project)
    lease = leased(first, alice)
    questions.ask(by=alice, text=ASKED, comparison=first)
    again = makers.make_comparison(project, kind="repeat", repeat_of=first, only_for=alice)
    assert SHOWN not in page(client, alice, f"/ranking/{leased(again, alice).pk}/questions/")
    assert lease.pk


def test_beside_the_guidelines_and_taken_back(client: Client, project: Project, alice: User, bob: User) -> None:
    address = f"/projects/{project.slug}/questions/"
    assert f'href="{address}"' in page(client, alice, f"/projects/{project.slug}/guidelines/")
    client.post(address, {"text": ASKED}, headers={"HX-Request": "true"})
    asked = Question.objects.get()
    assert SHOWN in page(client, alice, f"/projects/{project.slug}/guidelines/")
    assert SHOWN not in page(client, bob, f"/projects/{project.slug}/guidelines/")
    assert client.post(f"/questions/{asked.pk}/take-back/").status_code == 404
    client.force_login(alice)
    assert client.post(f"/questions/{asked.pk}/take-back/").headers["Location"] == address
    assert not Question.objects.exists()


def test_a_guest_neither_reads_nor_asks(client: Client, project: Project, guest: User) -> None:
    client.force_login(guest)
    address = f"/projects/{project.slug}/questions/"
    assert client.get(address).status_code == 404
    assert client.post(address, {"text": ASKED}).status_code == 404


def test_a_reviewer_asks_on_a_dialogue_and_on_a_ranking(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    dialogue = makers.make_demonstration(project, alice)
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.ask_review(ranking=ranking)
    for work, route in ((dialogue, "dialogue-questions"), (ranking, "review-questions")):
        kind = "dialogues" if work is dialogue else "rankings"
        address = reverse(route, args=[work.pk])
        assert f'href="{address}"' in page(client, rita, f"/review/{kind}/{work.pk}/")
        assert client.post(address, {"text": ASKED}, follow=True).status_code == 200
        assert SHOWN in page(client, rita, address)
    assert SHOWN not in page(client, alice, reverse("dialogue-questions", args=[dialogue.pk]))
    assert set(Question.objects.values_list("about", flat=True)) == {"dialogue", "ranking"}
