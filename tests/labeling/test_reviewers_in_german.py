"""Reviewers' pages in German hold no English of ours: not a word that the catalogue has in German."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from labeling import dialogues, suggestions, turns
from labeling.models import Dialogue, Project
from labeling.quality import reviews
from sampler.models import SampleRequest
from tests import makers
from tests.structure.messages import LOCALE

pytestmark = pytest.mark.django_db
SAME = {"Chat", "Name", "Text", "System", "Filter", "Prompt", "Status", "Red Team"}


def english() -> set[str]:
    """What the catalogue says otherwise in German."""
    with (LOCALE / "de/LC_MESSAGES/django.po").open("rb") as file:
        found = [one for one in read_po(file) if isinstance(one.id, str) and one.id]
    german = {str(one.string) for one in found}  # "Note" is a word of both
    return {str(one.id) for one in found} - german - SAME


def texts(html: str) -> set[str]:
    """Of the page's nodes, and their parts between the dots and commas that join them."""
    main = re.sub(r"<(script|style)\b.*?</\1>", "", html.partition("<main")[2], flags=re.DOTALL)
    nodes = {node.strip(" \n:·") for node in re.split(r"<[^>]*>", main)}
    return nodes | {part.strip() for node in nodes for part in re.split(r" · |, | von ", node)}


@pytest.fixture
def written(project: Project, alice: User) -> Dialogue:
    """A demonstration of own words, one edited and one as it was suggested."""
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=dialogue, role="user", text="Xyzzy?")
    suggestions.request_suggestions(dialogue=dialogue, role="assistant")
    first, second, _ = makers.answer(SampleRequest.objects.get(), "Plugh plover.", "Fjord.", "Quux.")
    turns.add_turn(dialogue=dialogue, role="assistant", text="Plugh plover!!", completion=first)
    turns.add_turn(dialogue=dialogue, role="user", text="Xyzzy!")
    turns.add_turn(dialogue=dialogue, role="assistant", text="Fjord.", completion=second)
    dialogues.submit_dialogue(dialogue=dialogue)
    return dialogue


def test_no_english_word_of_ours_is_on_a_reviewers_page_in_german(
    client: Client, project: Project, written: Dialogue, alice: User, bob: User, rita: User
) -> None:
    comparison = makers.make_comparison(project, votes=2)
    ranking = makers.make_ranking(comparison, alice)
    makers.make_ranking(comparison, bob)
    chat = makers.make_chat(project, bob, submit=True)
    reviews.ask_review(ranking=ranking)
    client.force_login(rita)
    client.cookies["language"] = "de"
    blind = reviews.blind_vote(comparison=comparison, reviewer=rita)
    sent = {f"place-{letter}": 1 for letter in "ABCD"} | {f"read-{letter}": 2 for letter in "ABCD"}
    client.post(reverse("ranking", args=[blind.pk]), sent)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="Xyzzy.")
    pages = {
        "queue": reverse("review-queue", args=[project.slug]), "all": reverse("reviews"),
        "ranking": reverse("review-ranking", args=[ranking.pk]) + "?order=1",
        "orders": reverse("adjudicate", args=[comparison.pk]), "chat": reverse("review-dialogue", args=[chat.pk]),
        "demonstration": reverse("review-dialogue", args=[written.pk]),
        "marks": reverse("review-queue-content", args=[project.slug]),
    }  # fmt: skip
    known, html = english(), {name: client.get(address).content.decode() for name, address in pages.items()}
    with translation.override("de"):
        for name, page in html.items():
            found = texts(page) & known
            assert not found, (name, found)
    assert "Prüfen: Demonstration von alice" in html["demonstration"]
    assert {"eigene Worte", "wörtlich", "bearbeitet"} <= texts(html["demonstration"])
    assert "Prüfen: Chat von bob" in html["chat"]
    assert "Blinde Stimme" in html["orders"]
    assert "zurückgegeben, wird überarbeitet" in html["orders"]
