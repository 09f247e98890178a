"""Pushes against a stand-in of the Hub, with the real huggingface_hub: what goes out, what is refused, taking back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, User
from exports import runs, storage
from exports.models import ExportRun
from hub import pushes, tasks
from hub.models import Push, Repository
from labeling.errors import Invalid
from labeling.models import Project
from tests import makers
from tests.hub.conftest import exported
from tests.stand_ins.hub import HubServer, Repo

pytestmark = pytest.mark.django_db
NAME = "acme/kind-answers"


def pushed(run: ExportRun, by: User, **said: object) -> Push:
    push = pushes.request(run=run, by=by, ring=False, **({"name": NAME} | said))  # type: ignore[arg-type]
    tasks.push(str(push.pk))
    push.refresh_from_db()
    return push


def bytes_of(run: ExportRun) -> dict[str, bytes]:
    names = [*run.sizes, *storage.WHOLE_FOLDER]
    found = {}
    for name in names:
        with storage.open_file(run.path, name) as file:
            found[name] = file.read()
    return found


def test_an_export_lies_on_the_hub_file_by_file_private_and_in_the_log(
    hub: HubServer, run: ExportRun, mona: User
) -> None:
    push = pushed(run, mona)
    assert (push.state, push.error) == ("finished", "")
    assert hub.repos[NAME].private
    there = hub.files(NAME)
    del there[".gitattributes"]
    assert there == bytes_of(run)
    assert hub.objects, "large files go by LFS"
    assert push.commit == hub.repos[NAME].commits[-1][0]
    assert push.bytes_sent == push.bytes_all == sum(run.sizes.values())
    said = AuditEntry.objects.filter(action__startswith="hub.").order_by("pk").values_list("action", "actor")
    assert list(said) == [(f"hub.{what}", mona.pk) for what in ("push_requested", "repository_made", "pushed")]


def test_a_later_export_takes_the_place_of_the_earlier_one_and_foreign_files_stay(
    hub: HubServer, run: ExportRun, mona: User, project: Project, alice: User
) -> None:
    first = pushed(run, mona)
    makers.make_ranking(makers.make_comparison(project), alice)
    hub.repos[NAME].commit({**hub.files(NAME), "LICENSE": b"ours"})
    later = exported(project, configs=["rankings"], compress="gzip")
    second = pushed(later, mona, repository=first.repository)
    assert second.state == "finished", second.error
    there = hub.files(NAME)
    assert there.pop("LICENSE") == b"ours"
    del there[".gitattributes"]
    assert there == bytes_of(later)


def test_a_data_set_that_was_not_made_from_here_is_left_alone(hub: HubServer, run: ExportRun, mona: User) -> None:
    hub.repos[NAME] = Repo(NAME, private=False)
    push = pushed(run, mona)
    assert push.state == "failed"
    assert "was not made from here" in push.error
    assert len(hub.repos[NAME].commits) == 1
    assert push.repository.state == "gone"
    del hub.repos[NAME]
    assert pushed(run, mona).state == "finished"  # the name is free for another try


def test_one_that_was_made_anew_by_others_is_neither_written_nor_deleted(
    hub: HubServer, run: ExportRun, mona: User, project: Project
) -> None:
    repository = pushed(run, mona).repository
    hub.repos[NAME] = Repo(NAME, private=True)
    hub.repos[NAME].commits = [("f" * 40, {"theirs.txt": b"x"})]
    again = pushed(exported(project), mona, repository=repository)
    assert (again.state, "is not the data set that was made from here" in again.error) == ("failed", True)
    assert pushes.take_back(repository=repository, by=mona, ring=False)
    assert tasks.take_back(str(repository.pk)) == "refused"
    repository.refresh_from_db()
    assert (repository.state, NAME in hub.repos) == ("made", True)
    assert "was not" not in repository.error
    assert hub.files(NAME) == {"theirs.txt": b"x"}


def test_it_is_taken_back_with_its_history_and_the_name_is_free(hub: HubServer, run: ExportRun, mona: User) -> None:
    repository = pushed(run, mona).repository
    assert pushes.take_back(repository=repository, by=mona, ring=False)
    assert not pushes.take_back(repository=repository, by=mona, ring=False)
    assert tasks.take_back(str(repository.pk)) == "gone"
    assert hub.repos == {}
    repository.refresh_from_db()
    assert (repository.state, repository.left_by) == ("gone", mona)
    assert AuditEntry.objects.filter(action="hub.taken_back", actor=mona).count() == 1
    assert tasks.take_back(str(repository.pk)) == "nothing to do"
    with pytest.raises(Invalid, match="not a data set of this project"):
        pushes.request(run=run, by=mona, repository=repository, ring=False)
    assert pushed(run, mona).state == "finished"


def test_one_that_is_gone_from_the_hub_already_counts_as_taken_back(hub: HubServer, run: ExportRun, mona: User) -> None:
    repository = pushed(run, mona).repository
    del hub.repos[NAME]
    pushes.take_back(repository=repository, by=mona, ring=False)
    assert tasks.take_back(str(repository.pk)) == "gone"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("elsewhere/x", "has not allowed"),
        ("lab/x", "has not allowed"),  # for another project
        ("acme/..", "A name on the Hub"),
        ("acme/a b", "A name on the Hub"),
        ("acme/-x", "A name on the Hub"),
        ("acme/x.git", "A name on the Hub"),
        ("acme", "A name on the Hub"),
        ("acme/x/y", "A name on the Hub"),
        ("acme/x\n", "A name on the Hub"),
    ],
)
def test_names_that_cannot_be_or_are_not_allowed_are_refused_at_once(
    hub: HubServer, run: ExportRun, mona: User, name: str, answer: str
) -> None:
    with pytest.raises(Invalid, match=answer):
        pushes.request(run=run, by=mona, name=name, ring=False)
    assert not Repository.objects.exists()
    assert hub.asked == []


def test_without_a_token_or_a_namespace_there_is_nowhere_to_push_to(
    hub: HubServer, run: ExportRun, mona: User, settings: Settings
) -> None:
    assert pushes.namespaces_of(run.project) == ["acme"]
    push = pushes.request(run=run, by=mona, name=NAME, ring=False)
    settings.HUB_TOKEN = ""
    assert pushes.namespaces_of(run.project) == []
    assert tasks.push(str(push.pk)) == "failed"  # the operator changed their mind before the worker came to it
    push.refresh_from_db()
    assert "has not allowed" in push.error
    assert hub.asked == []


def test_a_second_push_waits_until_the_first_is_there_and_projects_keep_to_their_own(
    hub: HubServer, run: ExportRun, mona: User
) -> None:
    first = pushes.request(run=run, by=mona, name=NAME, ring=False)
    with pytest.raises(Invalid, match="on its way"):
        pushes.request(run=run, by=mona, repository=first.repository, ring=False)
    with pytest.raises(Invalid, match="is taken"):
        pushes.request(run=run, by=mona, name=NAME, ring=False)
    other = makers.make_project("poems")
    with pytest.raises(Invalid, match="not a data set of this project"):
        pushes.request(run=exported(other), by=mona, repository=first.repository, ring=False)
    assert not pushes.take_back(repository=first.repository, by=mona, ring=False)


def test_a_failing_hub_is_tried_three_times_and_a_refusing_one_once(hub: HubServer, run: ExportRun, mona: User) -> None:
    hub.trouble["/api/repos/create"] = 500
    push = pushes.request(run=run, by=mona, name=NAME, ring=False)
    assert [tasks.push(str(push.pk)) for _ in range(4)] == ["queued", "queued", "failed", "nothing to do"]
    push.refresh_from_db()
    assert push.error == "The Hub answered 500."
    hub.trouble = {"/api/repos/create": 403}
    refused = pushed(run, mona)
    assert (refused.state, refused.attempts) == ("failed", 1)
    assert "does not let this installation's token" in refused.error


def test_files_that_went_meanwhile_and_a_worker_that_went_end_in_a_sentence(
    hub: HubServer, run: ExportRun, mona: User
) -> None:
    push = pushes.request(run=run, by=mona, name=NAME, ring=False)
    runs.remove(run=run)
    assert tasks.push(str(push.pk)) == "failed"
    push.refresh_from_db()
    assert push.error == pushes.REMOVED
    Push.objects.update(state="running", error="", attempts=3, lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert pushes.resume() == 0
    push.refresh_from_db()
    assert (push.state, "ended before it was done" in push.error) == ("failed", True)


def test_a_worker_that_lost_its_push_writes_nothing(hub: HubServer, run: ExportRun, mona: User) -> None:
    push = pushes.request(run=run, by=mona, name=NAME, ring=False)
    claimed = pushes.claim(pk=push.pk)
    assert claimed is not None
    assert pushes.claim(pk=push.pk) is None
    Push.objects.update(attempts=2)  # another worker took it
    with pytest.raises(pushes.LostLease):
        pushes.execute(push=claimed)
    push.refresh_from_db()
    assert push.state == "running"
    assert push.commit == ""
