"""The review queue's rules, decisions, returned work and blind votes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from labeling import comparisons, dialogues
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import Project, Ranking, ReviewItem
from labeling.quality import reviews
from tests import makers

pytestmark = pytest.mark.django_db

OFF = {
    "random_share": 0, "low_agreement": False, "fast_seconds": 0, "contradictions": False, "verbatim_share": 0,
    "new_trainer": 0,
}  # fmt: skip


def only(project: Project, **rules) -> None:
    project.review_rules = {**OFF, **rules}
    project.save(update_fields=["review_rules"])


def rank(project: Project, user: User, **fields) -> Ranking:
    return makers.make_ranking(makers.make_comparison(project), user, **fields)


def reasons_of(work) -> list[str]:
    item = ReviewItem.objects.filter(**{work._meta.model_name: work}).first()
    return item.reasons if item else []


def test_each_rule_picks_its_work_and_no_other(project: Project, alice: User, bob: User) -> None:
    only(project)
    assert reasons_of(rank(project, alice, seconds=1)) == []
    only(project, fast_seconds=15)
    assert reasons_of(rank(project, alice, seconds=14)) == ["fast"]
    assert reasons_of(rank(project, alice, seconds=15)) == []
    only(project, new_trainer=1)
    assert reasons_of(rank(project, bob)) == ["new_trainer"]
    assert reasons_of(rank(project, bob)) == []
    only(project, random_share=1.0)
    assert reasons_of(rank(project, alice)) == ["random"]


def test_a_contradiction_is_picked(project: Project, alice: User) -> None:
    only(project, contradictions=True)
    comparison = makers.make_comparison(project)
    ids = [str(c.completion_id) for c in comparison.candidates.order_by("index")]
    found = makers.make_ranking(comparison, alice, ratings={ids[0]: 2, ids[1]: 6}, confirmed=True)
    assert reasons_of(found) == ["contradiction"]


def test_two_votes_that_disagree_are_both_picked(project: Project, alice: User, bob: User) -> None:
    only(project, low_agreement=True)
    comparison = makers.make_comparison(project, votes=2)
    first = makers.make_ranking(comparison, alice)
    assert reasons_of(first) == []
    second = makers.make_ranking(comparison, bob, groups=[[3], [2], [1], [0]])
    assert reasons_of(first) == reasons_of(second) == ["low_agreement"]


def test_a_demonstration_of_verbatim_suggestions_is_picked(project: Project, alice: User) -> None:
    only(project, verbatim_share=0.9)
    own = makers.make_demonstration(project, alice)
    assert reasons_of(own) == []
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    dialogues.add_turn(dialogue=dialogue, role="user", text="What is rain?")
    [request] = dialogues.request_suggestions(dialogue=dialogue, role="assistant", n=1)
    [completion] = makers.answer(request, "Water that falls from clouds.")
    dialogues.add_turn(
        dialogue=dialogue,
        role="assistant",
        text=completion.text,
        completion=completion,
        suggestions_shown=[str(completion.pk)],
    )
    dialogues.submit_dialogue(dialogue=dialogue)
    assert reasons_of(dialogue) == ["verbatim"]


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
    comparisons.undo_ranking(assignment=other.assignment)
    assert not reviews.queue(Project.objects.all(), rita).exists()


def test_returned_work_is_mended_as_a_new_version_and_nothing_is_overwritten(
    project: Project, alice: User, rita: User
) -> None:
    ranking = rank(project, alice, note="first thought")
    with pytest.raises(Invalid, match="comment"):
        reviews.decide(reviewer=rita, decision="returned", ranking=ranking)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="C is wrong about rain.")
    assert list(reviews.returned_rankings(alice)) == [ranking]
    mended = reviews.mend_ranking(ranking=ranking, groups=ranking.groups[::-1], note="second thought")
    assert (mended.supersedes, mended.kind, mended.assignment) == (ranking, "vote", ranking.assignment)
    ranking.refresh_from_db()
    assert ranking.note == "first thought"
    assert list(Ranking.objects.in_force().filter(comparison=ranking.comparison)) == [mended]
    assert "mended" in reasons_of(mended)
    assert not reviews.returned_rankings(alice).exists()
    with pytest.raises(Gone):
        reviews.mend_ranking(ranking=ranking, groups=ranking.groups)
    with pytest.raises(Conflict, match="mended"):
        reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)


def test_reviewed_work_cannot_be_taken_back(project: Project, alice: User, rita: User) -> None:
    ranking = rank(project, alice)
    reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)
    with pytest.raises(Gone, match="reviewer"):
        comparisons.undo_ranking(assignment=ranking.assignment)


def test_a_returned_dialogue_becomes_a_draft_that_supersedes_it(project: Project, alice: User, rita: User) -> None:
    demonstration = makers.make_demonstration(project, alice)
    reviews.decide(reviewer=rita, decision="returned", dialogue=demonstration, comment="Be kinder.", grade=3)
    assert list(reviews.returned_dialogues(alice)) == [demonstration]
    draft = reviews.mend_dialogue(dialogue=demonstration)
    assert reviews.mend_dialogue(dialogue=demonstration) == draft
    assert draft.supersedes == demonstration
    dialogues.submit_dialogue(dialogue=draft)
    assert "mended" in reasons_of(draft)
    with pytest.raises(Gone):
        reviews.mend_dialogue(dialogue=demonstration)
    demonstration.refresh_from_db()
    assert demonstration.state == "returned"


def test_nobody_decides_on_own_work_or_without_the_role(project: Project, alice: User, bob: User, rita: User) -> None:
    with pytest.raises(Invalid, match="own work"):
        reviews.decide(reviewer=rita, decision="accepted", ranking=rank(project, rita))
    with pytest.raises(Invalid, match="no reviewer"):
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
    vote, _ = comparisons.submit_ranking(assignment=assignment, groups=ranking.groups)
    assert vote.kind == "research"
    ranking.comparison.refresh_from_db()
    assert (ranking.comparison.state, ranking.comparison.votes_wanted) == ("closed", 1)
    with pytest.raises(Invalid, match="before"):
        reviews.blind_vote(comparison=ranking.comparison, reviewer=rita)
    with pytest.raises(Invalid, match="no reviewer"):
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
    assert not own.reviews.exists()


def test_the_review_pages_work_in_the_admin_site(project: Project, alice: User, rita: User, client: Client) -> None:
    only(project, random_share=1.0)
    ranking, demonstration = rank(project, alice), makers.make_demonstration(project, alice)
    client.force_login(rita)
    queue = client.get(reverse("admin:labeling_ranking_queue"))
    assert reverse("admin:labeling_ranking_review", args=[ranking.pk]) in queue.content.decode()
    page = client.get(reverse("admin:labeling_ranking_review", args=[ranking.pk])).content.decode()
    assert "Rank it blind first" in page
    answer = client.post(reverse("admin:labeling_ranking_review", args=[ranking.pk]), {"decision": "returned"})
    assert "should be mended" in client.get(answer["Location"]).content.decode()
    answer = client.post(
        reverse("admin:labeling_ranking_review", args=[ranking.pk]), {"decision": "returned", "comment": "Look again."}
    )
    assert answer["Location"] == reverse("admin:labeling_ranking_queue")
    client.post(
        reverse("admin:labeling_dialogue_review", args=[demonstration.pk]), {"decision": "accepted", "grade": "7"}
    )
    demonstration.refresh_from_db()
    assert (demonstration.state, demonstration.reviews.get().grade) == ("accepted", 7)
    blind = client.post(reverse("admin:labeling_ranking_blind_vote", args=[ranking.pk]))
    assert blind["Location"].startswith("/ranking/")
