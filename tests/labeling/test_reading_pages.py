"""Home, history, guidelines, theme."""

from __future__ import annotations

from django.test import Client

from accounts.models import User
from labeling import projects
from labeling.models import Project
from labeling.pages import figures
from tests import makers


def test_home_offers_what_the_role_opens_and_what_was_begun(
    client: Client, project: Project, alice: User, guest: User
) -> None:
    makers.make_lease(makers.make_comparison(project, prompt="Which is it?"), alice)
    makers.make_comparison(project)
    makers.make_chat(project, alice)
    client.force_login(alice)
    html = client.get("/").content.decode()
    for words in ("Rank the next one", "Begin a dialogue", "Begin a chat", "Which is it?", "Continue"):
        assert words in html
    client.force_login(guest)
    html = client.get("/").content.decode()
    assert "Begin a chat" in html
    assert "Rank the next one" not in html
    assert "Begin a dialogue" not in html


def test_home_tells_a_newcomer_what_is_missing(client: Client, stranger: User) -> None:
    client.force_login(stranger)
    assert "not a member of any project" in client.get("/").content.decode()


def test_agreement_counts_pairs_that_both_ordered(project: Project, alice: User, bob: User) -> None:
    comparison = makers.make_comparison(project, k=3, votes=2)
    makers.make_ranking(comparison, alice, groups=[[0], [1], [2]])
    makers.make_ranking(comparison, bob, groups=[[1], [0, 2]])
    assert figures.agreement(alice) == (1, 2)  # 1 over 2 agreed, 0 over 1 not; bob ties 0 and 2


def test_history_shows_own_work_only_and_undoes_it(client: Client, project: Project, alice: User, bob: User) -> None:
    mine = makers.make_ranking(makers.make_comparison(project, prompt="Mine?"), alice)
    makers.make_ranking(makers.make_comparison(project, prompt="Theirs?"), bob)
    client.force_login(alice)
    html = client.get("/history/").content.decode()
    assert "Mine?" in html
    assert "Theirs?" not in html
    assert f"/ranking/{mine.assignment_id}/undo/" in html


def test_guidelines_are_read_in_any_version(client: Client, project: Project, alice: User) -> None:
    projects.publish_guidelines(project=project, text="# Second\n\n**Newer** words.", note="clearer")
    client.force_login(alice)
    assert "<strong>Newer</strong>" in client.get(f"/projects/{project.slug}/guidelines/").content.decode()
    assert "older version" in client.get(f"/projects/{project.slug}/guidelines/?v=1").content.decode()
    assert client.get(f"/projects/{project.slug}/guidelines/?v=9").status_code == 404


def test_the_theme_is_remembered_and_leads_nowhere_else(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post("/theme/", {"theme": "dark"}, headers={"Referer": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    assert client.post("/theme/", {"theme": '"><script>'}).status_code == 400
    assert 'data-theme="dark"' in client.get("/").content.decode()
    client.post("/theme/", {"theme": "auto"})
    assert "data-theme=" not in client.get("/").content.decode()
