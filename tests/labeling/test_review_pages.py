"""The reviewers' pages: the trainer's cards, the order on demand, the next item at once, the queue and own numbers."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from common.database.base import reads
from labeling import comparisons, projects, rankings
from labeling.models import Assignment, Comparison, Project, Ranking, Review, ReviewItem
from labeling.pages import review_queue
from labeling.pages.review_queue import Filters
from labeling.quality import decisions, reviews
from sampler.models import Completion
from tests import makers
from tests.labeling.review_queue import only, rank

pytestmark = pytest.mark.django_db
MODEL = "unmistakable-model"
HTMX = {"HX-Request": "true"}
QUERIES = {"queue": 15, "hidden": 12, "shown": 15, "dialogue": 14, "all orders": 11}  # one is notices


@pytest.fixture
def reviewed(client: Client, project: Project, rita: User) -> Client:
    """Rita, signed in, where every ranking and dialogue is picked."""
    only(project, random_share=1.0)
    client.force_login(rita)
    return client


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def page_of(ranking: Ranking) -> str:
    return reverse("review-ranking", args=[ranking.pk])


def cards_in(html: str) -> list[str]:
    return re.findall(r'<div class="card-text">.*?</div></div>', html, re.DOTALL)


def test_a_reviewer_reads_the_cards_that_the_trainer_read(
    reviewed: Client, project: Project, alice: User, bob: User
) -> None:
    rich = "# Head\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```python\nprint(1)\n```\n\nText $a_b$. <b>no</b>"
    comparison, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": rich}],
        completions=[{"text": f"{rich} {number}" * (number * 40 + 1)} for number in range(5)],
    )
    task = makers.make_lease(comparison, alice)
    trainer = Client()
    trainer.force_login(alice)
    read = cards_in(text_of(trainer, f"/ranking/{task.pk}/"))
    places = {f"place-{cid}": place for place, cid in enumerate(task.order_shown, 1)}
    trainer.post(f"/ranking/{task.pk}/", places)
    ranking = Ranking.objects.get(assignment=task)
    for query in ("", "?order=1"):
        assert cards_in(text_of(reviewed, page_of(ranking) + query)) == read
    assert len(read) == 5


def test_the_order_models_and_words_of_a_trainer_are_told_only_when_asked_for(
    reviewed: Client, project: Project, alice: User
) -> None:
    ranking = rank(project, alice, note="a telling note")
    Completion.objects.filter(pk__in=ranking.comparison.candidates.values("completion")).update(model_label=MODEL)
    hidden = text_of(reviewed, page_of(ranking))
    for telling in (MODEL, "a telling note", "place 1", "best first", 'value="accepted"'):
        assert telling not in hidden
    shown = text_of(reviewed, page_of(ranking) + "?order=1")
    for telling in (MODEL, "a telling note", "place 1", "best first", 'value="accepted"'):
        assert telling in shown


def test_places_after_a_tie_are_the_same_wherever_a_reviewer_reads_them(
    reviewed: Client, project: Project, alice: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice, groups=[[0, 1], [2], [3]])
    shown = text_of(reviewed, page_of(ranking) + "?order=1")
    assert re.findall(r'class="slot-name">(\d)<', shown) == ["1", "3", "4"]
    assert sorted(re.findall(r">place (\d)<", shown)) == ["1", "1", "3", "4"]
    orders = text_of(reviewed, reverse("adjudicate", args=[ranking.comparison_id]) + f"?from={ranking.pk}")
    assert sorted(re.findall(r'<td class="num"><strong>(\d)</strong>', orders)) == ["1", "1", "3", "4"]
    assert sorted(re.findall(r'name="place-\w" value="(\d)"', orders)) == ["1", "1", "3", "4"]


def test_grades_on_criteria_and_marked_words_are_read_with_the_order_and_begin_the_reviewers_own(
    reviewed: Client, project: Project, alice: User
) -> None:
    projects.change_settings(project=project, criteria=[{"name": "kindness", "steps": 5}], span_categories=["made up"])
    task = makers.make_lease(makers.make_comparison(project), alice)
    first, *others = task.order_shown
    ranking, _ = rankings.submit_ranking(
        assignment=task,
        groups=[[first], others],
        criteria={first: {"kindness": 4}},
        spans={first: [{"start": 0, "end": 4, "category": "made up", "comment": "Nobody <said> so."}]},
    )
    words = task.comparison.texts[first][:4]
    told = (
        "kindness: 4",
        f'<span class="tag warn">made up</span> <q dir="auto">{words}</q>',
        "Nobody &lt;said&gt; so.",
    )
    hidden, shown = (text_of(reviewed, page_of(ranking) + query) for query in ("", "?order=1"))
    for part in told:
        assert part in shown
        assert part not in hidden
    own = text_of(reviewed, reverse("adjudicate", args=[ranking.comparison_id]) + f"?from={ranking.pk}")
    assert "&quot;category&quot;: &quot;made up&quot;, &quot;comment&quot;: &quot;&quot;" in own
    assert "Nobody" not in own


def test_after_a_decision_the_next_one_is_there_at_once(reviewed: Client, project: Project, alice: User) -> None:
    first, second = rank(project, alice), makers.make_demonstration(project, alice)
    answer = reviewed.post(page_of(first), {"decision": "accepted"}, headers=HTMX)
    assert answer.headers["HX-Push-Url"] == reverse("review-dialogue", args=[second.pk])
    assert "Review a demonstration by alice" in answer.content.decode()
    assert first.reviews.get().decision == "accepted"
    refused = reviewed.post(answer.headers["HX-Push-Url"], {"decision": "returned"}, headers=HTMX)
    assert "should be mended" in refused.content.decode()
    done = reviewed.post(answer.headers["HX-Push-Url"], {"reason": "It ends early."}, headers=HTMX)
    assert done.headers["HX-Redirect"] == reverse("review-queue", args=[project.slug])
    assert (second.reviews.get().decision, second.reviews.get().comment) == ("returned", "It ends early.")


def test_without_scripts_the_next_one_follows_by_a_redirect(reviewed: Client, project: Project, alice: User) -> None:
    first, second = rank(project, alice), rank(project, alice)
    answer = reviewed.post(page_of(first) + "?reason=random", {"decision": "excluded"})
    assert answer["Location"] == page_of(second) + "?reason=random"


def test_a_blind_vote_leads_back_to_the_review_that_it_was_begun_from(
    reviewed: Client, project: Project, alice: User, bob: User, rita: User
) -> None:
    comparison = makers.make_comparison(project, votes=2)
    makers.make_ranking(comparison, alice)
    ranking = makers.make_ranking(comparison, bob, groups=[[3], [0], [1], [2]])
    makers.make_comparison(project)
    at = reviewed.post(reverse("review-blind", args=[ranking.pk]) + "?reason=random")["Location"]
    task = Assignment.objects.get(trainer=rita)
    assert at == f"/ranking/{task.pk}/"
    assert f'href="{page_of(ranking)}?reason=random">Back to the review' in reviewed.get(at).content.decode()
    places = {f"place-{cid}": place for place, cid in enumerate(task.order_shown, 1)}
    answer = reviewed.post(at, places, headers=HTMX)
    assert answer.headers["HX-Redirect"] == page_of(ranking) + "?reason=random"
    assert not Assignment.objects.filter(trainer=rita, state="leased").exists()  # no task is given beside it
    shown = text_of(reviewed, page_of(ranking))
    assert "Your own ranking is kept." in shown
    assert "Your own order, given blind" in shown


def test_a_return_without_a_reason_is_refused_where_the_reason_was_forgotten(
    reviewed: Client, project: Project, alice: User
) -> None:
    ranking = rank(project, alice)
    answer = reviewed.post(page_of(ranking), {"decision": "returned"})
    assert answer.status_code == 422
    panel = answer.content.decode().split('data-pop open><summary class="button" data-key="r">')[1]
    assert 'role="alert"' in panel.split("</details>")[0]


def test_a_blind_vote_that_is_skipped_leads_back_too(
    reviewed: Client, project: Project, alice: User, rita: User
) -> None:
    ranking = rank(project, alice)
    at = reviewed.post(reverse("review-blind", args=[ranking.pk]))["Location"]
    reviewed.session.flush()
    reviewed.force_login(rita)  # in another browser: nothing is known but the task
    answer = reviewed.post(f"{at}skip/", {"skip_reason": "I do not know the subject"})
    assert answer["Location"] == page_of(ranking)
    assert "best first" in text_of(reviewed, page_of(ranking))


def test_the_queue_names_the_prompt_and_is_narrowed_by_reason_trainer_and_round(
    reviewed: Client, project: Project, alice: User, bob: User, rita: User
) -> None:
    makers.make_ranking(makers.make_comparison(project, prompt="Why are fjords deep?"), alice)
    Comparison.objects.filter(pk=rank(project, bob).comparison_id).update(round=None)
    ReviewItem.objects.filter(ranking__trainer=bob).update(reasons=["fast"])
    html = text_of(reviewed, reverse("review-queue", args=[project.slug]))
    assert "Why are fjords deep?" in html
    assert "done very fast" in html

    def left(**chosen: str) -> list[str]:
        rows = review_queue.waiting(project, rita, Filters.of(chosen))
        return [item.ranking.trainer.username for item in rows if item.ranking and item.ranking.trainer]

    assert left() == ["alice", "bob"]
    assert left(reason="fast") == ["bob"]
    assert left(trainer="alice") == ["alice"]
    assert left(round="1") == ["alice"]
    assert left(round="x", reason="nonsense") == ["alice", "bob"]
    assert left(trainer="nobody\x00") == []


def test_many_are_accepted_at_once_marked_so_and_count_in_no_figure_of_judgement(
    reviewed: Client, project: Project, alice: User, bob: User, rita: User
) -> None:
    first, second, third = rank(project, alice), rank(project, bob), rank(project, alice)
    own = rank(project, rita)
    foreign = rank(makers.make_project("other"), makers.make_user("walter"))
    items = [str(one.review_item.pk) for one in (first, second, own)]
    if hasattr(foreign, "review_item"):
        items.append(str(foreign.review_item.pk))
    address = reverse("review-accept", args=[project.slug])
    answer = reviewed.post(address, {"item": [*items, "no-id"]}, follow=True).content.decode()
    assert "2 accepted at once" in answer
    assert "many at once" in answer
    bulk = {review.bulk for review in Review.objects.all()}
    assert len(bulk) == 1
    assert None not in bulk
    assert not own.reviews.exists()
    reviewed.post(page_of(third), {"decision": "excluded"})
    figures = review_queue.own_figures(project, rita)
    assert (figures.today, figures.accepted, figures.in_bulk) == (1, 0, 2)
    assert Review.objects.one_by_one().count() == 1
    assert "Tick what to accept" in reviewed.post(address, follow=True).content.decode()


def test_own_numbers_tell_how_far_blind_votes_and_trainers_agree(project: Project, alice: User, rita: User) -> None:
    from labeling import rankings

    ranking = rank(project, alice)
    assignment = reviews.blind_vote(comparison=ranking.comparison, reviewer=rita)
    a, b, c, d = (group[0] for group in ranking.groups)
    rankings.submit_ranking(assignment=assignment, groups=[[b], [a], [c], [d]])
    figures = review_queue.own_figures(project, rita)
    assert (figures.blind, figures.agreement) == (1, 83)


def test_the_last_decision_is_taken_back_within_the_projects_minutes(
    reviewed: Client, project: Project, alice: User, rita: User
) -> None:
    ranking, demonstration = rank(project, alice), makers.make_demonstration(project, alice)
    reviewed.post(page_of(ranking), {"decision": "returned", "comment": "Look again."})
    assert list(reviews.returned_rankings(alice)) == [ranking]
    undo = reverse("review-undo", args=[project.slug])
    assert reviewed.post(undo)["Location"] == page_of(ranking)
    assert not reviews.returned_rankings(alice).exists()
    assert ranking.review_item in ReviewItem.objects.waiting()
    reviewed.post(reverse("review-dialogue", args=[demonstration.pk]), {"decision": "returned", "comment": "No."})
    reviewed.post(undo)
    demonstration.refresh_from_db()
    assert demonstration.state == "submitted"
    reviewed.post(page_of(ranking), {"decision": "accepted"})
    Review.objects.update(created_at=timezone.now() - timedelta(minutes=project.undo_minutes, seconds=1))
    assert "the time for it is over" in reviewed.post(undo, follow=True).content.decode()
    assert ranking.reviews.in_force().get().decision == "accepted"
    assert decisions.last(project=project, reviewer=rita) is None


def test_what_a_reviewer_changed_of_a_suggestion_is_shown_word_by_word(
    reviewed: Client, project: Project, alice: User
) -> None:
    demonstration = makers.make_demonstration(project, alice)
    turn = demonstration.turns.get(role="assistant")
    turn.completion = Completion.objects.create(text="It works like that, slowly.", index=0, finish_reason="provided")
    turn.save()
    html = text_of(reviewed, reverse("review-dialogue", args=[demonstration.pk]))
    assert "<del>that, slowly</del><ins>this</ins>" in html
    assert "%" not in re.sub(r"<[^>]*>", "", html.split("<main", 1)[1])


def test_no_review_page_costs_more_queries_than_its_baseline_or_than_15(
    reviewed: Client, project: Project, alice: User, bob: User
) -> None:
    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert reviewed.get(address).status_code == 200
        assert all(reads(query["sql"]) for query in queries), "a GET wrote something"
        return len(queries)

    def measure() -> dict[str, int]:
        comparison = makers.make_comparison(project, votes=2)
        ranking = makers.make_ranking(comparison, alice)
        makers.make_ranking(comparison, bob, groups=[[3], [2], [1], [0]])
        demonstration = makers.make_demonstration(project, alice)
        return {
            "queue": cost(reverse("review-queue", args=[project.slug])),
            "hidden": cost(page_of(ranking)),
            "shown": cost(page_of(ranking) + "?order=1"),
            "dialogue": cost(reverse("review-dialogue", args=[demonstration.pk])),
            "all orders": cost(reverse("adjudicate", args=[comparison.pk])),
        }

    small = measure()
    for _ in range(3):
        measure()
    assert small == measure() == QUERIES
    assert max(QUERIES.values()) <= 15


def test_a_reviewer_of_one_project_meets_nothing_of_another(
    reviewed: Client, project: Project, alice: User, rita: User
) -> None:
    other = makers.make_project("zebrafish")
    tina = makers.make_member(other, "tina")
    theirs, demonstration = rank(other, tina), makers.make_demonstration(other, tina)
    rank(project, alice)
    addresses = [
        reverse("review-queue", args=[other.slug]),
        reverse("review-accept", args=[other.slug]),
        reverse("review-undo", args=[other.slug]),
        page_of(theirs),
        reverse("review-blind", args=[theirs.pk]),
        reverse("review-dialogue", args=[demonstration.pk]),
        reverse("adjudicate", args=[theirs.comparison_id]),
    ]
    for address in addresses:
        assert reviewed.get(address).status_code in (404, 405), address
        assert reviewed.post(address, {"decision": "accepted"}).status_code in (404, 405), address
    assert not Review.objects.exists()
    queue = text_of(reviewed, reverse("review-queue", args=[project.slug]) + "?trainer=tina")
    assert "tina</option>" not in queue
    assert "zebrafish" not in text_of(reviewed, "/review/")
