"""Texts that are covered until they are revealed: which, on which pages, and that no covered answer is placed."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client

from accounts.models import User
from labeling import assignments, given_prompts, projects
from labeling.models import Assignment, Candidate, Dialogue, Project, Ranking
from labeling.pages.ranking_form import RankingForm
from labeling.quality import reviews
from moderation import verdicts
from moderation.models import Verdict
from tests import makers

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
COVER = 'class="reveal"'


def flag(project: Project, comparison: UUID, index: int = 1) -> str:
    """One of its completions; its id."""
    completion = Candidate.objects.get(comparison=comparison, index=index).completion
    completion.text = BAD
    completion.save(update_fields=["text"])
    Verdict.objects.filter(target_id=completion.pk).delete()
    verdicts.screen(project, "patterns")
    return str(completion.pk)


@pytest.mark.parametrize(("cover", "count"), [("", 0), ("flagged", 1), ("model", 4)])
def test_the_project_says_which_are_covered(
    client: Client, project: Project, task: Assignment, cover: str, count: int
) -> None:
    flag(project, task.comparison_id)
    projects.change_settings(project=project, cover=cover)
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    assert page.count(COVER) == count
    assert ("js/cover.js" in page) is bool(cover)
    differences = client.get(f"/ranking/{task.pk}/compare/?a=A&b=B").content.decode()
    assert differences.count(COVER) <= count
    assert cover != "model" or differences.count(COVER) == 2


def test_a_prompt_is_covered_where_the_filter_warns_of_it(client: Client, project: Project, alice: User) -> None:
    projects.change_settings(project=project, cover="flagged")
    task = makers.make_lease(makers.make_comparison(project, prompt=BAD), alice)
    client.force_login(alice)
    assert client.get(f"/ranking/{task.pk}/").content.decode().count(COVER) == 1
    plain = makers.make_lease(makers.make_comparison(project), alice)
    assert COVER not in client.get(f"/ranking/{plain.pk}/").content.decode()


def test_no_covered_answer_is_placed_and_what_was_revealed_is_kept_with_the_draft_only(
    client: Client, project: Project, task: Assignment
) -> None:
    cid = flag(project, task.comparison_id)
    projects.change_settings(project=project, cover="flagged")
    letter = "ABCD"[task.order_shown.index(cid)]
    sent = {f"place-{one}": str(place) for place, one in enumerate("ABCD", 1)} | {f"read-{one}": "1" for one in "ABCD"}
    refused = client.post(f"/ranking/{task.pk}/", sent)
    assert refused.status_code == 422
    assert f"not shown yet: {letter}." in refused.content.decode()
    form = RankingForm.from_draft({"shown": [cid]})
    assignments.save_draft(assignment=task, draft=form.draft())
    assert f'value="{cid}" checked' in client.get(f"/ranking/{task.pk}/").content.decode()
    assert client.post(f"/ranking/{task.pk}/", sent | {"shown": cid}).status_code == 302
    ranking = Ranking.objects.get()
    assert cid not in ranking.reading or set(ranking.reading[cid]) == {"seconds", "proposed"}


def test_none_of_them_is_said_without_revealing_any(client: Client, project: Project, task: Assignment) -> None:
    projects.change_settings(project=project, cover="model")
    said = {"not_rankable": "All of them are equally bad", "none": "1"} | {f"read-{one}": "1" for one in "ABCD"}
    assert client.post(f"/ranking/{task.pk}/", said).status_code == 302


def test_in_a_chat_and_in_its_review_the_models_turns(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    projects.change_settings(project=project, cover="model")
    chat = makers.make_chat(project, alice, turns=2)
    client.force_login(alice)
    page = client.get(f"/dialogues/{chat.pk}/").content.decode()
    assert page.count(COVER) == chat.turns.filter(role="assistant").count()
    done = makers.make_chat(project, alice, submit=True)
    reviews.ask_review(dialogue=done)
    client.force_login(rita)
    assert COVER in client.get(f"/review/dialogues/{done.pk}/").content.decode()


def test_in_a_demonstration_the_given_prompt_and_never_what_one_wrote(
    client: Client, project: Project, alice: User
) -> None:
    projects.change_settings(project=project, cover="flagged", prompted_share=1.0)
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": BAD}]])
    verdicts.screen(project, "patterns")
    begun = given_prompts.begin(project=project, author=alice, kind="demonstration")
    client.force_login(alice)
    assert client.get(f"/dialogues/{begun.pk}/").content.decode().count(COVER) == 1
    own = makers.make_demonstration(project, alice, submit=False, question=BAD)
    assert Dialogue.objects.get(pk=own.pk).given_turns == 0
    assert COVER not in client.get(f"/dialogues/{own.pk}/").content.decode()


def test_in_the_review_of_a_ranking_and_where_orders_are_decided(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    projects.change_settings(project=project, cover="model")
    client.force_login(rita)
    assert client.get(f"/review/rankings/{ranking.pk}/").content.decode().count(COVER) == 4
    assert client.get(f"/review/comparisons/{ranking.comparison_id}/").content.decode().count(COVER) == 4
