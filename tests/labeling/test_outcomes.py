"""What became of submitted work: in My work, on its own page, and behind every notice whose subject is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import notices
from accounts.models import Notice, NoticeKind, User
from labeling import comparisons, corrections, projects, rankings, telling
from labeling.models import Comparison, Dialogue, Membership, Project, Ranking
from labeling.quality import adjudication, decisions, reviews
from tests import makers

pytestmark = pytest.mark.django_db
Settle = Callable[[Ranking, User], object]
NOTHING = "Nothing is left for you to do here."


def gold(ranking: Ranking, rita: User) -> None:
    shown = ranking.order_shown
    adjudication.adjudicate(comparison=ranking.comparison, reviewer=rita, order_shown=shown, groups=ranking.groups)


def decide(decision: str) -> Settle:
    return lambda ranking, rita: reviews.decide(reviewer=rita, decision=decision, ranking=ranking, comment="Look.")


def mend(ranking: Ranking, rita: User) -> None:
    corrections.mend_ranking(ranking=ranking, groups=ranking.groups)


def take_back(ranking: Ranking, rita: User) -> None:
    decisions.undo_last(project=ranking.comparison.project, reviewer=rita)


def discard(ranking: Ranking, rita: User) -> None:
    comparisons.discard(comparison=Comparison.objects.get(pk=ranking.comparison_id), reason="Too long.")


def withdraw(ranking: Ranking, rita: User) -> None:
    comparisons.withdraw(rows=Comparison.objects.filter(pk=ranking.comparison_id), text="[withdrawn]")


ENDS: dict[str, tuple[Settle, str, str]] = {
    "accepted": (decide("accepted"), "accepted", "A reviewer has accepted it."),
    "excluded": (decide("excluded"), "excluded from exports", "A reviewer has excluded it from exports."),
    "gold": (gold, "replaced by a gold order", "settled this comparison with an order of their own"),
    "mended": (mend, "revised", "This is your new version"),
    "taken back": (take_back, "submitted", "The reviewer took the return back"),
    "discarded": (discard, "not used", "taken out of use"),
    "withdrawn": (withdraw, "withdrawn", "was withdrawn by whoever wrote it"),
}


@pytest.fixture
def returned(project: Project, alice: User, rita: User) -> Ranking:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="C invents a date.")
    return ranking


@pytest.mark.parametrize("end", ENDS)
def test_returned_work_that_was_settled_says_so_wherever_the_notice_leads(
    client: Client, returned: Ranking, alice: User, rita: User, end: str
) -> None:
    settle, word, sentence = ENDS[end]
    notices.read(user=alice)  # what is read stays when the decision is taken back
    client.force_login(alice)
    assert '<span class="tag warn">returned</span>' in client.get(reverse("history")).content.decode()
    assert "It is settled by now." not in client.get(reverse("notices")).content.decode()
    settle(returned, rita)
    notice = Notice.objects.get(user=alice, kind="returned")
    assert "It is settled by now." in client.get(reverse("notices")).content.decode()
    page = client.post(reverse("notice-open", args=[notice.pk]), follow=True)
    assert page.status_code == 200
    html = page.content.decode()
    assert sentence in html
    assert NOTHING in html
    assert "Undo and change it" not in html
    late = client.post(page.redirect_chain[-1][0], {f"place-{cid}": 1 for cid in returned.order_shown})
    assert (late.status_code, sentence in late.content.decode()) == (409, True)
    work = client.get(reverse("history")).content.decode()
    assert (f">{word}</span>" in work) is (word != "submitted")  # that is said of none
    assert ">returned</span>" not in work
    assert reverse("returned-ranking", args=[returned.pk]) not in client.get(reverse("home")).content.decode()


def test_undo_is_offered_exactly_where_it_is_done(client: Client, project: Project, alice: User, rita: User) -> None:
    client.force_login(alice)
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    dialogue = makers.make_demonstration(project, alice)
    undo = [reverse("ranking-undo", args=[ranking.assignment_id]), reverse("undo-dialogue", args=[dialogue.pk])]
    pages = [reverse("ranking", args=[ranking.assignment_id]), reverse("dialogue", args=[dialogue.pk])]
    assert all(address in client.get(reverse("history")).content.decode() for address in undo)
    reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)
    reviews.decide(reviewer=rita, decision="excluded", dialogue=dialogue)
    work = client.get(reverse("history")).content.decode()
    assert not any(address in work for address in undo)
    assert "accepted</span>" in work
    assert "excluded from exports</span>" in work
    for address, page in zip(undo, pages, strict=True):
        assert address not in client.get(page).content.decode()
        refused = client.post(address)
        assert refused.status_code in (409, 422)
        assert address not in refused.content.decode()


def test_a_returned_dialogue_is_revised_once_and_its_page_says_what_became_of_it(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    client.force_login(alice)
    first = makers.make_demonstration(project, alice)
    reviews.decide(reviewer=rita, decision="returned", dialogue=first, comment="Say more.")
    page, revise = reverse("dialogue", args=[first.pk]), reverse("mend-dialogue", args=[first.pk])
    assert revise in client.get(page).content.decode()
    draft = corrections.mend_dialogue(dialogue=first)
    assert revise in client.get(page).content.decode()  # goes on with the draft
    Dialogue.objects.filter(pk=draft.pk).update(state="submitted", submitted_at=timezone.now())
    html = client.get(page).content.decode()
    assert revise not in html
    assert "You have sent a new version of this." in html
    assert "It is settled by now." in client.get(reverse("notices")).content.decode()
    assert "revised</span>" in client.get(reverse("history")).content.decode()


def leaves(project: Project, alice: User) -> str:
    projects.end_membership(project=project, user=alice)
    return "You do not belong to"


def becomes_a_guest(project: Project, alice: User) -> str:
    Membership.objects.filter(project=project, user=alice).update(role="guest")
    return "Your role in"


def deleted(project: Project, alice: User) -> str:
    Notice.objects.filter(user=alice).update(project_id="00000000-0000-4000-8000-000000000000")
    return "does not exist any more"


@pytest.mark.parametrize("gone", [leaves, becomes_a_guest, deleted], ids=lambda gone: gone.__name__)
@pytest.mark.parametrize("way", ["get", "post"])  # from an e-mail, and from a page
@pytest.mark.parametrize("kind", NoticeKind.values)
def test_every_notice_of_what_is_gone_leads_to_a_page_with_a_sentence(
    client: Client, project: Project, alice: User, gone: Callable[[Project, User], str], kind: str, way: str
) -> None:
    """Where the page itself is still there, that is shown."""
    project.daily_goal = 1
    addresses = {
        "returned": reverse("dialogue", args=[makers.make_demonstration(project, alice).pk]),
        "invited": reverse("home"), "answered": reverse("questions", args=[project.slug]),
        "guidelines": reverse("guidelines", args=[project.slug]), "goal": reverse("numbers"),
        "export_failed": reverse("managing:exports", args=[project.slug]),
    }  # fmt: skip
    assert set(addresses) == set(NoticeKind.values)
    telling._tell(project, NoticeKind(kind), [alice.pk], "it", addresses[kind])
    sentence = gone(project, alice)
    client.force_login(alice)
    notice = Notice.objects.get(user=alice, key=f"{kind}:it")
    page = getattr(client, way)(reverse("notice-open", args=[notice.pk]), follow=True)
    assert page.status_code == 200
    if not page.redirect_chain:
        assert sentence in page.content.decode()


def test_the_table_of_all_orders_says_which_is_out_for_revision(
    client: Client, returned: Ranking, bob: User, rita: User
) -> None:
    client.force_login(rita)
    html = client.get(reverse("adjudicate", args=[returned.comparison_id])).content.decode()
    assert html.count("sent back, being revised") == 1
    reviews.decide(reviewer=rita, decision="accepted", ranking=returned)
    html = client.get(reverse("adjudicate", args=[returned.comparison_id])).content.decode()
    assert "sent back, being revised" not in html


def test_a_blind_vote_is_told_in_the_trainers_letters_with_the_reviewers_own_beside_them(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    blind = reviews.blind_vote(comparison=ranking.comparison, reviewer=rita)
    blind.order_shown = [*ranking.order_shown[1:], ranking.order_shown[0]]  # her A, B, C, D are his B, C, D, A
    blind.save(update_fields=["order_shown"])
    rankings.submit_ranking(assignment=blind, groups=[[cid] for cid in blind.order_shown])
    client.force_login(rita)
    html = client.get(reverse("review-ranking", args=[ranking.pk]) + "?order=1").content.decode()
    assert "<strong>B &gt; C &gt; D &gt; A</strong> These are the trainer’s letters" in html
    for here, hers in zip("ABCD", "DABC", strict=True):
        card = html.partition(f'id="card-{here}"')[2].partition("</article>")[0]
        assert f"{hers} when you ranked it" in card
    assert Ranking.objects.get(kind="research").order_shown == blind.order_shown  # what is stored stays
