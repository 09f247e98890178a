"""The review queue and its decisions, and how returned work is mended."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from labeling import corrections, dialogues, progress, rankings
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import Project, Ranking, ReviewItem
from labeling.quality import reviews, waiting
from tests import makers
from tests.labeling.makers import undo
from tests.labeling.review_queue import only, rank, reasons_of

pytestmark = pytest.mark.django_db


def test_the_queue_holds_others_work_until_it_is_decided_or_taken_back(
    project: Project, alice: User, rita: User
) -> None:
    only(project, random_share=1.0)
    ranking, own = rank(project, alice), rank(project, rita)
    mine = reviews.queue(Project.objects.all(), rita)
    assert [item.ranking for item in mine] == [ranking]
    assert own.review_item in ReviewItem.objects.waiting()
    reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)
    assert not reviews.queue(Project.objects.all(), rita).exists()
    other = rank(project, alice)
    undo(other)
    assert not reviews.queue(Project.objects.all(), rita).exists()


def test_rankings_and_dialogues_that_wait_are_found_apart_as_they_are_together(
    project: Project, alice: User, rita: User
) -> None:
    only(project, random_share=1.0)
    waits, taken_back, accepted, returned = (rank(project, alice) for _ in range(4))
    undo(taken_back)
    reviews.decide(reviewer=rita, decision="accepted", ranking=accepted)
    reviews.decide(reviewer=rita, decision="returned", ranking=returned, comment="No.")
    mended = corrections.mend_ranking(ranking=returned, groups=returned.groups[::-1])
    written, decided, sent_back = (makers.make_demonstration(project, alice) for _ in range(3))
    reviews.decide(reviewer=rita, decision="accepted", dialogue=decided)
    reviews.decide(reviewer=rita, decision="returned", dialogue=sent_back, comment="No.")
    items = ReviewItem.objects.all()
    assert {item.ranking for item in items.waiting_rankings()} == {waits, mended}
    assert {item.dialogue for item in items.waiting_dialogues()} == {written}
    assert {*items.waiting()} == {*items.waiting_rankings(), *items.waiting_dialogues()}
    assert waiting.count(project, rita) == 3
    assert waiting.count(project, alice) == 0
    other = makers.make_project("other")
    assert progress.to_review([project, other], reviewer=rita) == {project.pk: 3, other.pk: 0}
    order = sorted(items.waiting(), key=lambda item: (item.created_at, item.pk))
    for one, following in zip(order, [*order[1:], order[0]], strict=True):
        assert waiting.following(project, rita, after=one) == following
    reviews.decide(reviewer=rita, decision="accepted", ranking=mended)
    reviews.decide(reviewer=rita, decision="accepted", dialogue=written)
    assert waiting.following(project, rita, after=waits.review_item) is None


def test_returned_work_is_mended_as_a_new_version_and_nothing_is_overwritten(
    project: Project, alice: User, rita: User
) -> None:
    ranking = rank(project, alice, note="first thought")
    with pytest.raises(Invalid, match="comment"):
        reviews.decide(reviewer=rita, decision="returned", ranking=ranking)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="C is wrong about rain.")
    assert list(reviews.returned_rankings(alice)) == [ranking]
    mended = corrections.mend_ranking(ranking=ranking, groups=ranking.groups[::-1], note="second thought")
    assert (mended.supersedes, mended.kind, mended.assignment) == (ranking, "vote", ranking.assignment)
    ranking.refresh_from_db()
    assert ranking.note == "first thought"
    assert list(Ranking.objects.in_force().filter(comparison=ranking.comparison)) == [mended]
    assert "mended" in reasons_of(mended)
    assert not reviews.returned_rankings(alice).exists()
    with pytest.raises(Gone):
        corrections.mend_ranking(ranking=ranking, groups=ranking.groups)
    with pytest.raises(Conflict, match="mended"):
        reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)


def test_reviewed_work_cannot_be_taken_back(project: Project, alice: User, rita: User) -> None:
    ranking = rank(project, alice)
    reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)
    with pytest.raises(Gone, match="reviewer"):
        undo(ranking)


def test_a_returned_dialogue_becomes_a_draft_that_supersedes_it(project: Project, alice: User, rita: User) -> None:
    demonstration = makers.make_demonstration(project, alice)
    reviews.decide(reviewer=rita, decision="returned", dialogue=demonstration, comment="Be kinder.", grade=3)
    assert list(reviews.returned_dialogues(alice)) == [demonstration]
    draft = corrections.mend_dialogue(dialogue=demonstration)
    assert corrections.mend_dialogue(dialogue=demonstration) == draft
    assert draft.supersedes == demonstration
    dialogues.submit_dialogue(dialogue=draft)
    assert "mended" in reasons_of(draft)
    with pytest.raises(Gone):
        corrections.mend_dialogue(dialogue=demonstration)
    demonstration.refresh_from_db()
    assert demonstration.state == "returned"


def test_nobody_decides_on_own_work_or_without_the_role(project: Project, alice: User, bob: User, rita: User) -> None:
    with pytest.raises(Invalid, match="own work"):
        reviews.decide(reviewer=rita, decision="accepted", ranking=rank(project, rita))
    with pytest.raises(Invalid, match="not a reviewer"):
        reviews.decide(reviewer=bob, decision="accepted", ranking=rank(project, alice))
    with pytest.raises(Invalid, match="grade"):
        reviews.decide(reviewer=rita, decision="accepted", ranking=rank(project, alice), grade=5)


def test_decisions_are_in_the_audit_log_without_any_text(project: Project, alice: User, rita: User) -> None:
    ranking = rank(project, alice)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="unmistakable words")
    entry = AuditEntry.objects.get(action="review.returned")
    assert (entry.actor, entry.object_id, entry.project_id) == (rita, str(ranking.pk), project.pk)
    assert "unmistakable" not in str(entry.__dict__)


def test_a_reviewers_blind_vote_is_kept_outside_the_count(project: Project, alice: User, rita: User) -> None:
    ranking = rank(project, alice)
    assignment = reviews.blind_vote(comparison=ranking.comparison, reviewer=rita)
    assert reviews.blind_vote(comparison=ranking.comparison, reviewer=rita) == assignment
    vote, _ = rankings.submit_ranking(assignment=assignment, groups=ranking.groups)
    assert vote.kind == "research"
    ranking.comparison.refresh_from_db()
    assert (ranking.comparison.state, ranking.comparison.votes_wanted) == ("closed", 1)
    with pytest.raises(Invalid, match="before"):
        reviews.blind_vote(comparison=ranking.comparison, reviewer=rita)
    with pytest.raises(Invalid, match="not a reviewer"):
        reviews.blind_vote(comparison=rank(project, rita).comparison, reviewer=alice)


def test_many_rankings_are_accepted_at_once_but_never_ones_own(
    project: Project, alice: User, rita: User, client: Client
) -> None:
    theirs, own = rank(project, alice), rank(project, rita)
    client.force_login(rita)
    client.post(
        reverse("admin:labeling_ranking_changelist"), {"action": "accept", "_selected_action": [theirs.pk, own.pk]}
    )
    assert theirs.reviews.get().decision == "accepted"
    assert theirs.reviews.get().bulk is not None
    assert not own.reviews.exists()


def test_the_admin_site_leads_to_the_review_pages(project: Project, alice: User, rita: User, client: Client) -> None:
    ranking = rank(project, alice)
    demonstration = makers.make_demonstration(project, alice)
    client.force_login(rita)
    ways = {
        reverse("admin:labeling_ranking_queue") + f"?in_project={project.slug}": f"/projects/{project.slug}/review/",
        reverse("admin:labeling_ranking_queue"): "/review/",
        reverse("admin:labeling_ranking_review", args=[ranking.pk]): f"/review/rankings/{ranking.pk}/",
        reverse("admin:labeling_dialogue_review", args=[demonstration.pk]): f"/review/dialogues/{demonstration.pk}/",
    }
    for address, to in ways.items():
        assert client.get(address)["Location"] == to
        assert client.get(to).status_code in (200, 302)
