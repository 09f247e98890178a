"""A trainer's own work: the search in it, the time it takes, what came back, and the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from labeling import assignments
from labeling.models import Dialogue, Project, Ranking
from labeling.pages import figures
from labeling.pages import history as history_page
from labeling.quality import reviews
from tests import makers

pytestmark = pytest.mark.django_db


def found(client: Client, search: str) -> str:
    answer = client.get("/history/", {"q": search})
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def worked(client: Client, project: Project, alice: User, bob: User) -> None:
    client.force_login(alice)
    makers.make_ranking(makers.make_comparison(project, prompt='Why is "basil" green?\nSay it in Łódź.'), alice)
    makers.make_ranking(makers.make_comparison(project, prompt="What is jam?"), alice, note="mentions marmalade")
    makers.make_ranking(makers.make_comparison(project, prompt="Theirs on basil?"), bob)
    skipped = makers.make_lease(makers.make_comparison(project, prompt="A skipped one on 100% wool"), alice)
    assignments.skip(assignment=skipped, reason="Not my subject")
    makers.make_demonstration(project, alice, question="How is a sheet folded?")


@pytest.mark.parametrize(
    ("search", "shows"),
    [
        ("basil", "Why is"), ("BASIL green", "Why is"), ('"basil"', "Why is"), ("łódź", "Why is"),
        ("marmalade", "What is jam?"), ("100%", "A skipped one"), ("subject wool", "A skipped one"),
        ("works like", "How is a sheet folded?"),
    ],
)  # fmt: skip
def test_a_search_finds_own_prompts_and_own_words(client: Client, worked: None, search: str, shows: str) -> None:
    html = found(client, search)
    assert shows in html
    assert html.count("<time datetime") == 1
    assert "Theirs" not in html


@pytest.mark.parametrize("search", ["role", "user content", "nowhere", "basil jam", "10_%", "\x00\x00nul", "x" * 5000])
def test_a_search_that_finds_nothing_says_so_and_keeps_the_words(client: Client, worked: None, search: str) -> None:
    html = found(client, search)
    assert "Nothing of yours has" in html
    assert f'value="{search[:4].strip(chr(0))}' in html


def test_a_search_costs_no_more_queries_and_its_next_page_searches_on(
    client: Client, project: Project, worked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_page, "PAGE", 1)
    with CaptureQueriesContext(connection) as plain:
        client.get("/history/")
    with CaptureQueriesContext(connection) as searched:
        html = found(client, "is")
    assert len(searched) == len(plain)
    address = html.partition('<a class="button" href="?q=is&amp;')[2].partition('"')[0]
    assert "How is a sheet folded?" in html
    assert "What is jam?" in client.get(f"/history/?q=is&{address}").content.decode()


def test_home_tells_the_time_of_a_ranking_today_beside_the_days_before(
    client: Client, project: Project, alice: User
) -> None:
    rankings = [makers.make_ranking(makers.make_comparison(project), alice) for _ in range(10)]
    assert figures.figures(alice).pace == ""
    before = Ranking.objects.filter(pk__in=[ranking.pk for ranking in rankings[:5]])
    before.update(submitted_at=timezone.now() - timedelta(days=2), seconds=200)
    Ranking.objects.exclude(pk__in=before).update(seconds=43)
    found = figures.figures(alice)
    assert (found.pace, found.usual) == ("45 s", "3.5 min")
    client.force_login(alice)
    assert "for a ranking today; 3.5 min on the days before" in client.get("/").content.decode()


def test_what_came_back_says_why_wherever_it_is_met(client: Client, project: Project, alice: User, rita: User) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project, prompt="Which?"), alice)
    demonstration = makers.make_demonstration(project, alice)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="B is wrong.")
    reviews.decide(reviewer=rita, decision="returned", dialogue=demonstration, comment="Too long.")
    client.force_login(alice)
    home = client.get("/").content.decode()
    assert "B is wrong." in home
    assert "Too long." in home
    assert "Too long." in client.get(f"/dialogues/{demonstration.pk}/").content.decode()
    client.post(f"/dialogues/{demonstration.pk}/mend/")
    draft = Dialogue.objects.get(supersedes=demonstration)
    assert "Too long." in client.get(f"/dialogues/{draft.pk}/").content.decode()


def test_a_reason_in_ones_own_words_is_there_again_after_undo(client: Client, project: Project, alice: User) -> None:
    task = makers.make_lease(makers.make_comparison(project), alice)
    client.force_login(alice)
    client.post(f"/ranking/{task.pk}/", {"none": "1", "not_rankable_other": "All four in Latin"})
    client.post(f"/ranking/{task.pk}/undo/")
    assert 'value="All four in Latin"' in client.get(f"/ranking/{task.pk}/").content.decode()


def test_what_another_tab_took_back_leads_to_the_task_and_a_refusal_is_said(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    htmx = {"HX-Request": "true"}
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    client.force_login(alice)
    undo, task = f"/ranking/{ranking.assignment_id}/undo/", f"/ranking/{ranking.assignment_id}/"
    assert client.post(undo, headers=htmx)["HX-Redirect"] == f"{task}?undone=1"
    assert client.post(undo, headers=htmx)["HX-Redirect"] == task
    reviewed = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="accepted", ranking=reviewed)
    answer = client.post(f"/ranking/{reviewed.assignment_id}/undo/", headers=htmx)
    assert (answer.status_code, answer["HX-Retarget"]) == (409, "#notices")
    assert "A reviewer has looked at this ranking" in answer.content.decode()


@pytest.mark.parametrize(
    ("zone", "clock"),
    [("Asia/Manila", "01:30"), ("UTC", "17:30"), ("Europe", "17:30"), ("../../etc/passwd", "17:30"), ("\x00", "17:30")],
)
def test_pages_tell_the_time_where_their_reader_is(
    client: Client, project: Project, alice: User, zone: str, clock: str
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    Ranking.objects.filter(pk=ranking.pk).update(submitted_at=datetime(2026, 1, 1, 17, 30, tzinfo=UTC))
    client.force_login(alice)
    client.cookies["zone"] = zone
    assert clock in client.get(f"/ranking/{ranking.assignment_id}/").content.decode()


def test_the_admin_site_tells_the_time_in_utc_whoever_reads(client: Client, project: Project, mona: User) -> None:
    project.memberships.update(created_at=datetime(2026, 1, 1, 17, 30, tzinfo=UTC))
    client.force_login(mona)
    client.cookies["zone"] = "Asia/Manila"
    assert "2026-01-01 17:30" in client.get("/admin/labeling/membership/").content.decode()
