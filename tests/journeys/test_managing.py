"""A manager's first day, in a real browser: set up, invite, open a round, watch, review, read, export."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from common.shapes import JsonObject
from exports import runs, tasks
from insights import reports
from labeling import candidates, projects, stock
from labeling.models import Comparison, Project, Ranking
from tests import makers
from tests.journeys.conftest import Visits

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


def set_up(page: Page) -> Project:
    """A new project with K=4 and 20% double votes, from the short form."""
    page.get_by_role("link", name="Projects").first.click()
    page.get_by_title("Add project").click()
    page.wait_for_load_state("load")  # the slug follows the title from then on
    page.get_by_label("Title").press_sequentially("Kind answers")
    expect(page.get_by_label("Slug")).to_have_value("kind-answers")
    page.get_by_label("Guidelines").fill("# What is good\n\nTrue, kind and short.")
    page.get_by_label("Completions (K)").fill("4")
    page.get_by_label("Overlap share").fill("0.2")
    page.get_by_label("Overlap votes").fill("2")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("No round is open")).to_be_visible()
    return Project.objects.get(slug="kind-answers")


def open_round(page: Page, model: str) -> None:
    page.get_by_role("link", name="Open a round: choose which model versions answer").click()
    expect(page.get_by_label("Project")).not_to_have_value("")
    page.locator("#id_policies-0-model_version").select_option(label=model)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()


def invite(page: Page, project: Project) -> str:
    page.goto(page.url.split("/admin/")[0] + f"/admin/labeling/project/{project.pk}/change/")
    page.get_by_role("link", name="Invite trainers").click()
    page.get_by_label("How many people may use one shared link").fill("1")
    page.get_by_role("button", name="Invite", exact=True).click()
    return page.locator("code").inner_text()


def export_and_download(page: Page, url: str, project: Project) -> list[JsonObject]:
    """Ask for an export, let the worker write it, and take its rankings and its manifest home."""
    page.goto(f"{url}/admin/exports/exportrun/add/?project={project.pk}")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("successfully").first).to_be_visible()
    run = project.exports.get()
    address = f"{url}/admin/exports/exportrun/{run.pk}/change/"
    page.goto(address)
    expect(page.get_by_text("queued").first).to_be_visible()
    assert tasks.run_export(str(run.pk)) == "finished"
    page.goto(address)
    expect(page.get_by_text(re.compile(r"finished, [\d,]+ rows")).first).to_be_visible()
    manifest = json.loads(downloaded(page, "manifest.json"))
    found: list[JsonObject] = []
    for file in manifest["files"]:
        if not file["path"].startswith("rankings/"):
            continue
        content = downloaded(page, file["path"])
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        found += [json.loads(line) for line in content.decode().splitlines()]
    return found


def downloaded(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("link", name=name, exact=True).click()
    return download.value.path().read_bytes()


def add_prompts(page: Page, url: str, project: Project) -> None:
    """Two prompts, from which the stock of comparisons is made."""
    page.goto(f"{url}/admin/labeling/prompt/add/?project={project.pk}")
    page.get_by_label("Prompts").fill("How do I boil an egg?\n---\nWhy is the sky blue?")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("2 prompts are in the pool")).to_be_visible()
    stock.keep_stock()  # what beat and the sampler do meanwhile
    makers.answer_all()
    candidates.settle_sampling()
    assert Comparison.objects.filter(project=project, state="open").count() == 2
    page.goto(f"{url}/admin/insights/kind-answers/progress/")
    expect(page.get_by_text("comparisons ready")).to_contain_text("2")


def rank_twice(project: Project, first: User) -> None:
    second = makers.make_member(project, "second")
    for _ in range(2):
        comparison = makers.make_comparison(project, votes=2)
        makers.make_ranking(comparison, first, seconds=5)
        makers.make_ranking(comparison, second, groups=[[0], [2], [1], [3]], seconds=90)


def return_the_first(page: Page) -> None:
    page.get_by_role("link", name="Queue", exact=True).click()
    page.get_by_role("listitem").filter(has_text="sid ·").filter(has_text="ranking").first.get_by_role(
        "link"
    ).first.click()
    page.get_by_role("link", name="Show the order").click()
    page.get_by_text("Return to the trainer").click()
    page.get_by_label("Or in your own words").fill("The second one is wrong.")
    page.get_by_role("button", name="Return it").click()
    expect(page.get_by_text("Returned").first).to_be_visible()


def mend_it(page: Page) -> None:
    page.get_by_role("link", name="Revise").click()
    expect(page.get_by_text("The second one is wrong.")).to_be_visible()
    for place, card in enumerate(page.locator("[data-card]").all(), start=1):
        page.keyboard.press((card.get_attribute("data-letter") or "").lower())
        page.keyboard.press(str(place))
    page.get_by_role("button", name="Send the new version").click()
    expect(page.get_by_text("Your new version is in")).to_be_visible()
    assert Ranking.objects.filter(supersedes__isnull=False).count() == 1


def read_agreement(page: Page, url: str, project: Project) -> None:
    reports.refresh(project)  # beat does so every few minutes
    page.goto(f"{url}/admin/insights/kind-answers/")
    expect(page.get_by_text(re.compile(r"Where two trainers both order a pair, they agree in \d+%"))).to_be_visible()
    expect(page.locator("svg.dl-chart").first).to_be_visible()


def test_a_manager_sets_a_project_up_reviews_reads_agreement_and_exports(
    visit: Visits, project: Project, mona: User, stranger: User, client: Client
) -> None:
    manager = visit(mona)
    page = manager.open("/admin/")
    made = set_up(page)
    assert (made.completions_per_comparison, made.overlap_share, made.overlap_votes) == (4, 0.2, 2)
    assert projects.role_of(made, mona) == "manager"
    open_round(page, str(project.rounds.get().policies.get().model_version))
    link = invite(page, made)

    client.cookies.clear()  # or signing the next one in would end the manager's session
    trainer = visit(stranger)
    joining = trainer.open(link.removeprefix(trainer.url))
    joining.get_by_role("button", name=re.compile("[Jj]oin|[Aa]ccept")).first.click()
    expect(joining.get_by_text("Kind answers").first).to_be_visible()

    add_prompts(page, manager.url, made)
    rank_twice(made, stranger)
    expect(page.get_by_text("votes given")).to_contain_text("4")  # the page renews itself
    return_the_first(page)
    mend_it(trainer.open("/"))
    read_agreement(page, manager.url, made)
    lines = export_and_download(page, manager.url, made)
    assert made.exports.get().requested_by == mona
    in_force = Ranking.objects.in_force().filter(comparison__project=made)
    assert {row["id"] for row in lines} == {str(ranking.pk) for ranking in in_force}
    assert all(row["annotator_id"] not in ("sid", "second", "mona") for row in lines)
    assert runs.remove(run=made.exports.get())
