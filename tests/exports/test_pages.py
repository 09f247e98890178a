"""The admin pages of exports: ask, watch, download; for managers of the project only."""

from __future__ import annotations

import json

import pytest
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from accounts.models import User
from exports import runs, tasks
from exports.models import ExportRun
from labeling.models import Project, Ranking
from tests import makers
from tests.exports.test_runs import export_root  # noqa: F401 - a fixture

LIST = "/admin/exports/exportrun/"


@pytest.fixture
def ranked(project: Project, alice: User) -> Ranking:
    project.test_share = 0.0
    project.save(update_fields=["test_share"])
    return makers.make_ranking(makers.make_comparison(project), alice)


def streamed(answer: HttpResponseBase) -> bytes:
    assert isinstance(answer, StreamingHttpResponse)
    return answer.getvalue()


def test_a_manager_asks_for_an_export_watches_and_downloads_it(
    client: Client, project: Project, ranked: Ranking, mona: User
) -> None:
    makers.bring(project, "hh")
    client.force_login(mona)
    assert client.get(f"{LIST}add/").status_code == 200
    form = {"project": str(project.pk), "configs": ["rankings"], "renderings": ["soft"], "shards": "1", "mix": "hh=0.5",
            "include_verbatim": "on", "redact": "on"}  # fmt: skip
    assert client.post(f"{LIST}add/", form).status_code == 302
    run = ExportRun.objects.get()
    assert (run.trigger, run.state, run.requested_by) == ("admin", "queued", mona)
    assert run.options["mix"] == {"hh": 0.5}
    assert (run.options["include_verbatim"], run.options["include_unsafe"], run.options["redact"]) == (
        True,
        False,
        True,
    )
    page = f"{LIST}{run.pk}/change/"
    assert "queued" in client.get(page).content.decode()
    assert tasks.run_export(str(run.pk)) == "finished"
    shown = client.get(page).content.decode()
    assert "rankings/train.jsonl" in shown
    answer = client.get(f"{LIST}{run.pk}/files/rankings/train.jsonl")
    data = streamed(answer)
    assert json.loads(data)["id"] == str(ranked.pk)
    assert int(answer["Content-Length"]) == len(data)
    assert streamed(client.get(f"{LIST}{run.pk}/files/README.md")).startswith(b"---")
    for missing in ("rankings/none.jsonl", "../secret_key", "%2e%2e/secret_key"):
        assert client.get(f"{LIST}{run.pk}/files/{missing}").status_code == 404
    assert client.post(f"{LIST}{run.pk}/do/remove/").status_code == 302
    run.refresh_from_db()
    assert run.state == "removed"
    assert client.get(f"{LIST}{run.pk}/files/README.md").status_code == 404


def test_wrong_wishes_are_answered_on_the_form(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    answer = client.post(f"{LIST}add/", {"project": str(project.pk), "mix": "hh", "shards": "1"})
    assert "SOURCE=WEIGHT" in answer.content.decode()
    answer = client.post(f"{LIST}add/", {"project": str(project.pk), "round": "77", "shards": "1"})
    assert "This project has no round 77. There are: 1." in answer.content.decode()
    answer = client.post(f"{LIST}add/", {"project": str(project.pk), "cutoff_0": "2999-01-01", "cutoff_1": "00:00"})
    assert ExportRun.objects.count() == 0


@pytest.mark.parametrize("who", ["alice", "rita", "stranger"])
def test_nobody_else_reaches_an_export(
    client: Client, request: pytest.FixtureRequest, project: Project, ranked: Ranking, mona: User, who: str
) -> None:
    run = runs.request(project=project, trigger="api", ring=False)
    tasks.run_export(str(run.pk))
    other = makers.make_project("elsewhere")
    person: User = request.getfixturevalue(who)
    person.is_staff = True
    person.save(update_fields=["is_staff"])
    from labeling import projects

    projects.set_membership(project=other, user=person, role="manager")
    client.force_login(person)
    assert client.get(f"{LIST}{run.pk}/change/").status_code == 404
    assert client.get(f"{LIST}{run.pk}/files/README.md").status_code == 404
    assert str(run.pk) not in client.get(LIST).content.decode()
