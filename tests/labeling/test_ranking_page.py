"""The ranking page over HTTP, without scripts and as htmx uses it."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling.models import Assignment, Project, Ranking
from labeling.pages.ranking_form import RankingForm
from labeling.suggestions import request_suggestions
from sampler.models import Completion
from tests import makers
from tests.labeling.asking import HTMX, SCRIPT, places


def test_the_page_shows_every_completion_once_in_the_order_stored(client: Client, task: Assignment) -> None:
    html = client.get(f"/ranking/{task.pk}/").content.decode()
    at = [html.index(f'data-card="{cid}"') for cid in task.order_shown]
    assert at == sorted(at)
    assert html.count("data-card=") == 4


def test_nothing_on_the_page_tells_which_model_wrote_what(client: Client, task: Assignment) -> None:
    html = client.get(f"/ranking/{task.pk}/").content.decode()
    assert "fake" not in html


def test_number_fields_alone_submit_a_ranking_and_lead_to_the_next_task(
    client: Client, task: Assignment, project: Project
) -> None:
    makers.make_comparison(project)
    answer = client.post(f"/ranking/{task.pk}/", places(task, 2, 1, 2, 4))
    ranking = Ranking.objects.get()
    a, b, c, d = task.order_shown
    assert ranking.groups == [[b], sorted([a, c]), [d]]
    following = Assignment.objects.get(state="leased")
    assert answer.status_code == 302
    assert answer["Location"] == f"/ranking/{following.pk}/?after={task.pk}"
    assert "Undo" in client.get(answer["Location"]).content.decode()


def test_htmx_gets_the_next_task_in_the_same_answer(client: Client, task: Assignment, project: Project) -> None:
    makers.make_comparison(project, prompt="The next question?")
    answer = client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3, 4), headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "The next question?" in html
    assert "<html" not in html
    assert answer["HX-Push-Url"] == f"/ranking/{Assignment.objects.get(state='leased').pk}/"


def test_when_nothing_is_left_the_page_says_so(client: Client, task: Assignment) -> None:
    html = client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3, 4), headers=HTMX).content.decode()
    assert "Nothing to rank right now" in html
    assert "Undo" in html


def test_an_untouched_ranking_is_refused(client: Client, task: Assignment) -> None:
    answer = client.post(f"/ranking/{task.pk}/", {})
    assert answer.status_code == 422
    assert "Give every completion a place first" in answer.content.decode()
    assert not Ranking.objects.exists()


def test_a_place_left_out_is_named(client: Client, task: Assignment) -> None:
    answer = client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3))
    assert answer.status_code == 422
    assert "without one: D" in answer.content.decode()


@pytest.mark.parametrize("value", ["0", "5", "-1", "x", "1.5", "²", "99999999999999999999"])
def test_a_place_that_is_no_place_is_refused_and_the_rest_kept(client: Client, task: Assignment, value: str) -> None:
    sent = places(task, 1, 2, 3) | {f"place-{task.order_shown[3]}": value, "note": "kept"}
    answer = client.post(f"/ranking/{task.pk}/", sent)
    assert answer.status_code == 422
    assert "whole number" in answer.content.decode()
    assert ">kept</textarea>" in answer.content.decode()


def test_a_contradiction_is_asked_about_once_and_then_believed(client: Client, task: Assignment) -> None:
    a, b, _, _ = task.order_shown
    sent = places(task, 1, 2, 3, 4) | {f"rating-{a}": 3, f"rating-{b}": 6}
    answer = client.post(f"/ranking/{task.pk}/", sent)
    assert answer.status_code == 422
    assert "You placed A above B, but rated A 3 and B 6." in answer.content.decode()
    client.post(f"/ranking/{task.pk}/", sent | {"confirmed": "1"})
    assert Ranking.objects.get().contradiction_confirmed


def test_none_is_rankable_needs_a_reason_and_yields_no_order(client: Client, task: Assignment) -> None:
    assert client.post(f"/ranking/{task.pk}/", {"none": "1"}).status_code == 422
    client.post(f"/ranking/{task.pk}/", {"none": "1", "not_rankable_other": "all of them are empty"})
    ranking = Ranking.objects.get()
    assert (ranking.not_rankable, ranking.groups) == ("all of them are empty", [])


def test_flags_ratings_note_and_strengths_arrive(client: Client, task: Assignment, project: Project) -> None:
    project.ask_strength = project.ask_ideal_answer = True
    project.save()
    a, *_, d = task.order_shown
    sent = places(task, 1, 2, 2, 3) | {
        f"rating-{a}": 7, f"flag-{d}": ["hallucination", "too verbose"], "note": "a note",
        "strength-1": 4, "strength-2": 1, "ideal_answer": "What I would have said.",
    }  # fmt: skip
    client.post(f"/ranking/{task.pk}/", sent)
    ranking = Ranking.objects.get()
    assert ranking.ratings == {a: 7}
    assert ranking.flags == {d: ["hallucination", "too verbose"]}
    assert ranking.strengths == [4, 1]
    assert ranking.note == "a note"
    assert ranking.ideal_answer is not None


def test_the_draft_keeps_a_partial_ranking_and_the_page_shows_it_again(client: Client, task: Assignment) -> None:
    sent = places(task, 3) | {"note": "so far", "draft_version": 0}
    answer = client.post(f"/ranking/{task.pk}/draft/", sent, headers=SCRIPT)
    assert answer.json()["version"] == 1
    html = client.get(f"/ranking/{task.pk}/").content.decode()
    assert 'value="3"' in html
    assert "so far</textarea>" in html


def test_of_two_tabs_the_second_to_save_is_told_and_overwrites_nothing(client: Client, task: Assignment) -> None:
    first = client.post(f"/ranking/{task.pk}/draft/", {"note": "first", "draft_version": 0}, headers=SCRIPT)
    second = client.post(f"/ranking/{task.pk}/draft/", {"note": "second", "draft_version": 0}, headers=SCRIPT)
    assert (first.status_code, second.status_code) == (200, 409)
    task.refresh_from_db()
    assert task.draft["note"] == "first"


def test_a_submission_from_a_stale_tab_is_shown_again_before_it_counts(client: Client, task: Assignment) -> None:
    client.post(f"/ranking/{task.pk}/draft/", {"note": "newer", "draft_version": 0}, headers=SCRIPT)
    stale = client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3, 4) | {"draft_version": 0})
    assert stale.status_code == 409
    assert not Ranking.objects.exists()
    again = client.post(f"/ranking/{task.pk}/", places(task, 1, 2, 3, 4) | {"draft_version": 1})
    assert again.status_code == 302


def test_undo_brings_the_task_back_as_it_was_sent(client: Client, task: Assignment) -> None:
    client.post(f"/ranking/{task.pk}/", places(task, 2, 1, 2, 4) | {"note": "mine"})
    answer = client.post(f"/ranking/{task.pk}/undo/")
    assert answer["Location"] == f"/ranking/{task.pk}/?undone=1"
    assert "Taken back" in client.get(answer["Location"]).content.decode()
    form = RankingForm.from_draft(Assignment.objects.get(pk=task.pk).draft)
    a, b, c, d = task.order_shown
    assert form.places == {b: 1, a: 2, c: 2, d: 4}
    assert "mine</textarea>" in client.get(f"/ranking/{task.pk}/").content.decode()


def test_skipping_needs_a_reason_and_frees_the_vote(client: Client, task: Assignment) -> None:
    refused = client.post(f"/ranking/{task.pk}/skip/", {})
    assert refused.status_code == 422
    panel = refused.content.decode().split("data-skip open>")[1]
    assert 'role="alert"' in panel.split("</details>")[0], "said where it was forgotten, which stays open"
    answer = client.post(f"/ranking/{task.pk}/skip/", {"skip_reason": "Not my subject"})
    assert "Skipped. Somebody else gets it." in client.get(answer["Location"]).content.decode()
    task.refresh_from_db()
    assert (task.state, task.slot) == ("skipped", None)


def test_two_completions_are_compared_word_by_word(client: Client, task: Assignment) -> None:
    html = client.get(f"/ranking/{task.pk}/compare/?a=A&b=C").content.decode()
    assert html.count("<mark>") == 2
    assert client.get(f"/ranking/{task.pk}/compare/?a=A&b=Z").status_code == 404


def test_a_script_whose_session_ended_is_told_401_and_a_browser_goes_to_sign_in(
    client: Client, task: Assignment
) -> None:
    client.logout()
    assert client.post(f"/ranking/{task.pk}/draft/", {"note": "x"}, headers=SCRIPT).status_code == 401
    assert client.post(f"/ranking/{task.pk}/", {}, headers=HTMX).status_code == 401
    assert client.get(f"/ranking/{task.pk}/")["Location"] == f"/accounts/login/?next=/ranking/{task.pk}/"


def test_a_completion_whose_model_was_stopped_at_the_limit_says_so(
    client: Client, task: Assignment, project: Project, alice: User
) -> None:
    request = request_suggestions(dialogue=makers.make_demonstration(project, alice, submit=False), role="user")[0]
    candidate = task.comparison.candidates.get(completion=task.order_shown[1])
    candidate.completion = makers.answer(request, "It goes on and", finish_reason="length")[0]
    candidate.save()
    task.order_shown[1] = str(candidate.completion_id)
    task.save()
    html = client.get(f"/ranking/{task.pk}/").content.decode()
    assert html.count("Cut off at the limit") == 1
    assert html.index('id="card-B"') < html.index("Cut off at the limit") < html.index('id="card-C"')


@pytest.mark.parametrize("shown", [False, True])
def test_what_a_reasoning_model_thought_is_folded_beside_its_answer_where_the_project_shows_it(
    client: Client, task: Assignment, project: Project, shown: bool
) -> None:
    Project.objects.filter(pk=project.pk).update(show_reasoning=shown)
    Completion.objects.filter(pk=task.order_shown[1]).update(reasoning="<b>Hm.</b> Let me think.")
    html = client.get(f"/ranking/{task.pk}/").content.decode()
    assert html.count("&lt;b&gt;Hm.&lt;/b&gt; Let me think.") == html.count('<details class="reasoning">') == shown
    if shown:
        assert html.index('id="card-B"') < html.index('<details class="reasoning">') < html.index('id="card-C"')
