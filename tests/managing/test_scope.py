"""Nobody meets another project on the manager's site: not by going there, guessing an address, or searching."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from accounts.models import User
from hub.models import Repository
from labeling import invitations, projects
from labeling.models import Dialogue, ImportRun, Project, Question
from managing.pages import importing
from managing.pages.exporting import name_of
from managing.urls import urlpatterns
from tests import makers
from tests.exports.test_runs import export_root  # noqa: F401 - a fixture
from tests.labeling.test_admin_scope import SECRET, client_of, other  # noqa: F401 - a fixture


def addresses(project: Project) -> list[str]:
    """Every address of the site, with the other project's own rows where it names one."""
    made, _ = invitations.invite(project=project, role="trainer", by=None, email=f"{SECRET}@example.org")
    uploaded = ImportRun.objects.create(
        project=project, file_name=f"{SECRET}.jsonl", stored_as="", asked={"source": SECRET}, state="finished"
    )
    repository = Repository.objects.create(project=project, name=f"acme/{SECRET}", state="made")
    tina = User.objects.get(username=f"{SECRET}tina")
    question = Question.objects.create(project=project, about="guidelines", text=SECRET, asked_by=tina)
    known: dict[str, object] = {
        "slug": project.slug, "pk": made.pk, "username": f"{SECRET}tina", "number": repository.pk,
        "name": "manifest.json",
        "export": name_of(project.exports.get()), "what": "remove", "upload": importing.name_of(uploaded),
    }  # fmt: skip
    found = []
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        names = list(pattern.pattern.converters)
        for pk in [known["pk"], uuid.uuid4()] if "pk" in names else [""]:
            values = {name: pk if name == "pk" else known[name] for name in names}
            if pattern.name == "questions-one":
                values["name"] = question.name
            found.append(reverse(f"managing:{pattern.name}", kwargs=values))
    return found


@pytest.mark.parametrize("who", ["mona", "rita", "alice", "stranger"])
def test_no_address_shows_or_admits_anything_of_another_project(
    who: str,
    request: pytest.FixtureRequest,
    project: Project,
    other: Project,  # noqa: F811
) -> None:
    client = client_of(request.getfixturevalue(who))
    before = (other.memberships.count(), other.rounds.count(), other.prompts.count(), other.invitations.count() + 1)
    assert other.exports.get().state == "finished"
    for address in addresses(other):
        for method in ("get", "post"):
            answer = getattr(client, method)(address)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert SECRET not in body.decode(errors="replace"), (method, address)
            if other.slug in address:
                assert answer.status_code in (404, 405), (method, address, answer.status_code)
    assert before == (
        other.memberships.count(), other.rounds.count(), other.prompts.count(), other.invitations.count(),
    )  # fmt: skip
    assert other.exports.get().state == "finished"
    assert other.hub_repositories.get().state == "made"
    assert {run.state for run in other.import_runs.all()} == {"finished"}


def test_the_search_finds_what_is_ones_own_and_nothing_else(
    mona: User,
    alice: User,
    project: Project,
    other: Project,  # noqa: F811
) -> None:
    mine = makers.make_demonstration(project, alice, question="Where do puffins nest?")
    client = client_of(mona)

    def search(words: str) -> str:
        return client.get("/manage/search/", {"q": words}).content.decode()

    assert "Where do puffins nest?" in search("puffins nest")
    assert "Where do puffins nest?" in search(str(mine.pk))
    assert "Where do puffins nest?" in search(str(mine.pk)[:8])
    assert "Trainer of Project demo" in search("alice")
    assert reverse("managing:project", args=["demo"]) in search("project dem")
    theirs = Dialogue.objects.filter(project=other).earliest("created_at")
    for words in (SECRET, str(theirs.pk), f"{SECRET}tina", "no such thing", "\0", "'\"%_\\"):
        page = search(words).replace(f'value="{words}"', "").replace(f"“{words}”", "")
        assert "Nothing was found" in page or not words.strip("\0"), words
        assert SECRET not in page


def test_trainers_and_strangers_find_no_such_site(project: Project, alice: User, guest: User, stranger: User) -> None:
    for user in (alice, guest, stranger):
        client = client_of(user)
        for path in ("/manage/", "/manage/new/", "/manage/search/", "/manage/projects/demo/"):
            assert client.get(path).status_code == 404


def test_a_reviewer_sees_figures_and_the_queue_and_no_set_up(rita: User, project: Project, client: Client) -> None:
    client.force_login(rita)
    page = client.get("/manage/projects/demo/").content.decode()
    assert "/admin/insights/demo/progress/" in page
    assert "/manage/projects/demo/people/" not in page
    assert client.get("/manage/projects/demo/people/").status_code == 404


def test_prompts_are_found_by_their_words_in_projects_that_one_manages(
    client: Client, project: Project, mona: User, rita: User
) -> None:
    for owner, words in ((project, "How do I boil\nan egg?"), (makers.make_project("elsewhere"), "An egg of theirs")):
        projects.add_prompts(project=owner, prompts=[[{"role": "user", "content": words}]])
    client.force_login(mona)
    page = client.get("/manage/search/", {"q": "an egg", "in_project": project.slug}).content.decode()
    assert "How do I boil" in page
    assert "of theirs" not in page
    assert f"Pages of {project.title}" in page  # one is still in the project
    assert "How do I boil" not in client.get("/manage/search/", {"q": "content"}).content.decode()
    client.force_login(rita)
    assert "How do I boil" not in client.get("/manage/search/", {"q": "egg"}).content.decode()
