"""The pages: who sees them, their charts, tables and CSV, and that names stay names."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from insights import live_progress, reports, table_output, tables, tasks
from insights.models import Judgement
from labeling import leases
from labeling.models import Project
from sampler import sampling, status
from tests import makers
from tests.insights.makers import make_votes, report_of

pytestmark = pytest.mark.django_db


def test_a_large_project_is_counted_by_the_worker_and_not_by_the_page(
    voted: Project, mona: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "AT_ONCE", 10)
    client.force_login(mona)
    address = reverse("insights:project", args=[voted.slug])
    assert "being made" in client.get(address).content.decode()
    assert not Judgement.objects.exists()
    tasks.refresh()
    assert "as of" in client.get(address).content.decode()


def test_an_empty_project_has_a_report_without_figures(project: Project, mona: User, client: Client) -> None:
    found = report_of(project)
    assert found["agreement"]["between_trainers"]["strict"]["value"] is None
    assert found["ratings"]["models"] == []
    client.force_login(mona)
    assert client.get(reverse("insights:project", args=[project.slug])).status_code == 200


def test_dashboards_are_for_managers_and_reviewers_of_the_project(
    voted: Project, mona: User, rita: User, alice: User, client: Client
) -> None:
    addresses = [
        reverse("insights:project", args=[voted.slug]), reverse("insights:progress", args=[voted.slug]),
        reverse("insights:table", args=[voted.slug, "models"]),
    ]  # fmt: skip
    for user in (mona, rita):
        client.force_login(user)
        for address in addresses:
            assert client.get(address).status_code == 200
            assert client.post(address).status_code == 405
        assert client.get(addresses[0] + "?round=99").status_code == 404
        assert client.get(addresses[0] + "?round=x").status_code == 404
    walter = makers.make_member(makers.make_project("elsewhere"), "walter", role="manager")
    client.force_login(walter)
    assert {client.get(address).status_code for address in addresses} == {404}
    client.force_login(alice)
    assert all(client.get(address).status_code in (302, 404) for address in addresses)


def test_every_chart_has_its_table_and_every_table_its_csv(voted: Project, mona: User, client: Client) -> None:
    client.force_login(mona)
    page = client.get(reverse("insights:project", args=[voted.slug])).content.decode()
    assert page.count('<svg class="dl-chart"') >= 4
    for name in tables.TABLES:
        answer = client.get(reverse("insights:table", args=[voted.slug, name]))
        assert answer["Content-Type"].startswith("text/csv")
        assert len(answer.content.decode().splitlines()) >= 1
    assert "old" in client.get(reverse("insights:table", args=[voted.slug, "models"])).content.decode()


def test_names_cannot_carry_a_formula_into_a_spreadsheet() -> None:
    names = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1", "\t=1"]
    told = table_output.to_csv(tables.Table("t", ("name", "plain", "value"), [(name, "plain", -0.5) for name in names]))
    for name, row in zip(names, list(csv.reader(io.StringIO(told)))[1:], strict=True):
        assert row == [f"'{name}", "plain", "-0.5"]


def test_names_of_models_and_people_are_escaped_on_the_page(
    project: Project, alice: User, mona: User, client: Client
) -> None:
    models = [makers.make_model("<b>bold</b>"), makers.make_model("plain")]
    make_votes(project, [alice], models, comparisons=20)
    client.force_login(mona)
    assert "<b>bold" not in client.get(reverse("insights:project", args=[project.slug])).content.decode()


def test_the_live_page_counts_what_waits_and_what_is_worked_on(
    project: Project, alice: User, mona: User, client: Client
) -> None:
    for _ in range(3):
        makers.make_comparison(project)
    leases.lease_next(project=project, trainer=alice)
    found = live_progress.live_progress(project)
    assert (found["ready"], found["leased"], found["people_at_work"]) == (2, 1, 1)
    client.force_login(mona)
    whole = client.get(reverse("insights:progress", args=[project.slug])).content.decode()
    part = client.get(
        reverse("insights:progress", args=[project.slug]), headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" in whole
    assert "<html" not in part


def test_the_live_page_counts_the_last_hour_at_once_and_names_models_without_a_worker(
    project: Project, alice: User, mona: User, client: Client
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    assert live_progress.live_progress(project)["rankings_last_hour"] == 1
    version = project.rounds.get().policies.get().model_version
    client.force_login(mona)
    address, told = reverse("insights:progress", args=[project.slug]), "No worker runs these models"
    assert told not in client.get(address).content.decode()  # nothing waits
    sampling.request_completions(model_version=version, prompt=[{"role": "user", "content": "Hi"}])
    worker: status.WorkerStatus = {
        "name": "test:1", "at": 0.0, "serves": ["another"], "loading": "", "stopping": False, "loaded": {}, "held": 0,
        "metrics": {},
    }  # fmt: skip
    for serves, alone in ((["another"], True), (["another", version.slug], False), ([], False)):
        status.report({**worker, "serves": serves})
        page = client.get(address).content.decode()
        assert (told in page) == alone
    status.gone("test:1")
    assert (
        f"{told}, so what waits for them waits until one is started: {version.slug}<"
        in client.get(address).content.decode()
    )


def test_a_dashboard_follows_the_readers_language_and_says_what_stays_english(
    voted: Project, mona: User, client: Client
) -> None:
    client.force_login(mona)
    english = client.get(reverse("insights:project", args=[voted.slug])).content.decode()
    assert "is in English" not in english
    client.cookies["language"], client.cookies["zone"] = "de", "Asia/Tokyo"
    for name, heading in (("project", "Übereinstimmung"), ("progress", "Rangfolgen"), ("rounds", "Neu gegen alt")):
        page = client.get(reverse(f"insights:{name}", args=[voted.slug])).content.decode()
        assert '<html lang="de"' in page
        assert f"<h2>{heading}</h2>" in page or f"<dt>{heading}</dt>" in page
        assert ("ist auf Englisch" in page) == (name != "progress")
    told = client.get(reverse("insights:table", args=[voted.slug, "models"])).content.decode()
    client.cookies["language"] = "en"
    assert client.get(reverse("insights:table", args=[voted.slug, "models"])).content.decode() == told
    assert '<html lang="en"' in client.get("/admin/").content.decode()
