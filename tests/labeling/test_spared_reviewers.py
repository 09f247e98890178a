"""What a reviewer does not want to meet: their queues do not offer it, others get it, and a direct link covers it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common.held import forget
from labeling import dialogues, opt_outs, progress, projects
from labeling.models import Assignment, Dialogue, Project, Ranking, ReviewItem
from labeling.pages import review_queue
from labeling.pages.review_queue import Filters
from labeling.quality import reviews
from labeling.red_team import published
from moderation import marks, queue, verdicts
from moderation.models import Verdict
from tests import makers, red_team

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
COVER = 'class="reveal"'
MOST_QUERIES = 15


@pytest.fixture
def ron(project: Project) -> User:
    """Another reviewer."""
    return makers.make_member(project, "ron", role="reviewer")


@pytest.fixture
def flagged(project: Project, alice: User, rita: User) -> tuple[Ranking, Dialogue]:
    """A ranking and a demonstration that hold what rita does not want to meet, among others that do not."""
    projects.change_settings(project=project, review_rules={"random_share": 0})
    ranking = makers.make_ranking(makers.make_comparison(project, prompt=BAD), alice)
    demonstration = makers.make_demonstration(project, alice, question=BAD)
    other = makers.make_ranking(makers.make_comparison(project), alice), makers.make_demonstration(project, alice)
    verdicts.screen(project, "patterns")
    ReviewItem.objects.all().delete()
    for one in (ranking, other[0]):
        reviews.ask_review(ranking=one)
    for dialogue in (demonstration, other[1]):
        reviews.ask_review(dialogue=dialogue)
    opt_outs.choose(person=rita, kinds=["violence"])
    rita.refresh_from_db()
    return ranking, demonstration


def waiting(project: Project, reviewer: User) -> set[object]:
    items = review_queue.waiting(project, reviewer, Filters())
    return {item.ranking_id or item.dialogue_id for item in items}


def test_their_queue_offers_the_others_and_counts_them_so(
    client: Client, project: Project, flagged: tuple[Ranking, Dialogue], rita: User, ron: User
) -> None:
    ranking, demonstration = flagged
    assert len(waiting(project, ron)) == 4
    assert waiting(project, rita) == waiting(project, ron) - {ranking.pk, demonstration.pk}
    assert progress.to_review([project], reviewer=rita) == {project.pk: 2}
    assert progress.glance_at([project], reviewer=ron)[project.pk]["to_review"] == 4
    client.force_login(rita)
    page = client.get(f"/projects/{project.slug}/review/").content.decode()
    assert BAD not in page
    assert "Work with texts that you do not want to meet goes to others." in page
    opt_outs.choose(person=rita, kinds=["hate"])
    rita.refresh_from_db()
    assert len(waiting(project, rita)) == 4


def test_a_direct_link_covers_such_a_text_alone_also_where_the_project_covers_nothing(
    client: Client, project: Project, flagged: tuple[Ranking, Dialogue], rita: User, ron: User
) -> None:
    ranking, demonstration = flagged
    addresses = (
        f"/review/rankings/{ranking.pk}/", f"/review/dialogues/{demonstration.pk}/",
        f"/review/comparisons/{ranking.comparison_id}/",
    )  # fmt: skip
    client.force_login(rita)
    for address in addresses:
        with CaptureQueriesContext(
            connection,
        ) as made:
            page = client.get(address).content.decode()
        assert (page.count(COVER), "css/cover.css" in page, "js/cover.js" in page) == (1, True, True)
        assert len(made) <= MOST_QUERIES + 10 * address.startswith("/review/")
    for panel in (f"/content/review/{ranking.pk}/", f"/content/dialogues/{demonstration.pk}/"):
        assert BAD not in client.get(panel).content.decode()
    client.force_login(ron)
    for address in addresses:
        assert COVER not in client.get(address).content.decode()
    assert BAD in client.get(f"/content/review/{ranking.pk}/").content.decode()


def test_a_blind_vote_covers_it_too_and_places_no_covered_answer(
    client: Client, project: Project, flagged: tuple[Ranking, Dialogue], rita: User
) -> None:
    comparison = makers.make_comparison(project)
    completion = comparison.candidates.get(index=1).completion
    completion.text = BAD
    completion.save(update_fields=["text"])
    Verdict.objects.filter(target_id=completion.pk).delete()
    verdicts.screen(project, "patterns")
    client.force_login(rita)
    vote = Assignment.objects.get(pk=makers.make_lease(comparison, rita).pk)
    assert client.get(f"/ranking/{vote.pk}/").content.decode().count(COVER) == 1
    sent = {f"place-{one}": str(place) for place, one in enumerate("ABCD", 1)} | {f"read-{one}": "1" for one in "ABCD"}
    assert client.post(f"/ranking/{vote.pk}/", sent).status_code == 422
    assert client.post(f"/ranking/{vote.pk}/", {**sent, "shown": str(completion.pk)}).status_code == 302


def test_red_team_chats_about_a_rule_of_such_a_kind_too(project: Project, alice: User, rita: User, ron: User) -> None:
    number = red_team.make_rule(project).number
    rule = published.publish_rule(project=project, name="Threats", sentence="None.", category="violence", number=number)
    chat = red_team.begin(project, alice)
    assert chat.rule == rule
    red_team.broken(chat, red_team.reply(chat))
    dialogues.submit_dialogue(dialogue=chat)
    reviews.ask_review(dialogue=chat)
    opt_outs.choose(person=rita, kinds=["violence"])
    rita.refresh_from_db()
    assert (waiting(project, rita), waiting(project, ron)) == (set(), {chat.pk})


def test_past_the_weeks_limit_they_review_what_is_not_flagged(
    project: Project, flagged: tuple[Ranking, Dialogue], rita: User, ron: User
) -> None:
    projects.change_settings(project=project, exposure_minutes=10)
    spent = makers.make_ranking(makers.make_comparison(project, prompt=BAD), ron).assignment
    assert spent is not None
    Assignment.objects.filter(pk=spent.pk).update(seconds=600)
    forget()
    assert len(waiting(project, ron)) == 2
    assert progress.to_review([project], reviewer=ron) == {project.pk: 2}


def test_the_queue_of_marks_leaves_such_texts_and_such_words_to_others(
    client: Client, project: Project, flagged: tuple[Ranking, Dialogue], alice: User, rita: User, ron: User
) -> None:
    turn = flagged[1].turns.earliest("position")
    wrong = marks.mark(verdict=Verdict.objects.get(target_id=turn.pk), user=alice, harmful=False)
    harmless = Verdict.objects.filter(harms=[])
    missed = marks.mark(verdict=harmless[0], user=alice, harmful=True, category="violence")
    hate = marks.mark(verdict=harmless[1], user=alice, harmful=True, category="hate")
    assert set(queue.offered_to(ron, project)) == {wrong, missed, hate}
    assert set(queue.offered_to(rita, project)) == {hate}
    client.force_login(rita)
    with CaptureQueriesContext(connection) as made:
        page = client.get(f"/projects/{project.slug}/review/content/").content.decode()
    assert "1 mark waits for a decision." in page
    assert BAD not in page
    assert len(made) <= MOST_QUERIES


def test_their_queues_ask_as_often_as_those_of_others_and_by_indexes(
    client: Client, project: Project, flagged: tuple[Ranking, Dialogue], rita: User, ron: User
) -> None:
    counted = []
    for reviewer in (ron, rita):
        client.force_login(reviewer)
        client.get(f"/projects/{project.slug}/review/")
        with CaptureQueriesContext(connection) as made:
            client.get(f"/projects/{project.slug}/review/")
        counted.append(len(made))
    assert counted[0] == counted[1] <= MOST_QUERIES
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for rows in (review_queue.waiting(project, rita, Filters()).select_related(None), queue.offered_to(rita, project)):
        plan = rows.values("pk").explain()
        assert "moderation_verdict" in plan
        assert "Seq Scan" not in plan, plan
