"""axe-core on every page of the manager's site, and nothing on them that only a programmer reads."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from exports import runs, tasks
from hub.models import Push, Repository
from insights import rounds
from labeling import goals, invitations, projects, questions, terms
from labeling.ai_judges import asking, judges, prompts, settling
from labeling.imports import runs as import_runs
from labeling.models import AiJudge, AiVerdict, ImportRun, Membership, Project
from labeling.red_team import published
from labeling.tasks import run_import
from managing.pages import importing
from managing.pages.exporting import name_of
from managing.urls import urlpatterns
from sampler.models import ModelTrial
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.screens import EVERY, QUICK, Screen, look
from tests.journeys.test_setting_up import check_screen

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(project: Project, alice: User, mona: User) -> dict[str, str]:
    """Every page of the site by its name, with something on it."""
    makers.make_ranking(makers.make_comparison(project, votes=2), alice)
    projects.change_settings(project=project, title=f"Kind answers {'w' * 150}", rate_per_hour=20, currency="EUR")
    goals.set_goals(round=project.rounds.get(), goal_rankings=500, goal_demonstrations=1, share_rankings=20)
    makers.make_demonstration(project, alice, question="Where do puffins nest?")
    prompt = [[{"role": "user", "content": "How do I boil an egg? " * 20}]]
    projects.add_prompts(project=project, prompts=prompt, source="kitchen")
    invitations.invite(project=project, role="trainer", by=mona, places=3)
    run = runs.request(project=project, trigger="admin", by=mona, ring=False)
    assert tasks.run_export(str(run.pk)) == "finished"
    waiting = runs.request(project=project, trigger="admin", by=mona, ring=False)
    repository = Repository.objects.create(project=project, name="acme/kind-answers", state="made", made_by=mona)
    Push.objects.create(repository=repository, export=run, requested_by=mona, state="finished", commit="x")
    Push.objects.create(repository=repository, export=run, state="failed", error="The Hub answered 500.")
    Membership.objects.filter(user=alice).update(withdrawn_at=timezone.now(), ended_at=timezone.now())
    terms.publish_terms(project=project, text="# Terms\n\nYour words are published.", by=mona)
    terms.accept_terms(project=project, person=mona, number=1)
    appoint(project)
    site = f"/manage/projects/{project.slug}/"
    bob = makers.make_member(project, "bob")
    lease = makers.make_lease(makers.make_comparison(project), bob)
    asked = questions.ask(by=bob, text="Is A allowed to joke?", comparison=lease.comparison)
    answered = questions.ask(by=bob, text="May a poem be ranked?", project=project)
    questions.answer(question=answered, by=mona, text="It may.", for_everybody=True)
    for sentence, number in (("Do not threaten.", None), (f"Never threaten anybody. {'w' * 200}", 1)):
        published.publish_rule(project=project, name="Threats", sentence=sentence, category="violence", number=number)
    preview, came_in = uploaded(project, mona)
    return {
        "models": "/manage/models/",
        "projects": "/manage/", "new": "/manage/new/", "search": "/manage/search/?q=puffins", "project": site,
        "feedback": f"{site}feedback/",
        "questions": f"{site}questions/", "questions-one": f"{site}questions/{asked.name}/",
        "people": f"{site}people/", "rounds": f"{site}rounds/", "rounds-new": f"{site}rounds/new/",
        "rounds-one": f"{site}rounds/1/",
        "guidelines": f"{site}guidelines/", "terms": f"{site}terms/", "warning": f"{site}warning/",
        "prompts": f"{site}prompts/",
        "settings": f"{site}settings/",
        "exports": f"{site}exports/", "exports-one": f"{site}exports/{name_of(run)}/",
        "time": f"{site}time/", "exports-hub": f"{site}hub/", "imports": f"{site}imports/",
        "imports-one": f"{site}imports/{importing.name_of(came_in)}/",
        "imports-records": f"{site}imports/{importing.name_of(came_in)}/records/?kind=comparisons",
        "ai-judges": f"{site}ai-judges/", "red-team": f"{site}red-team/?edit=1",
        "a preview": f"{site}imports/{importing.name_of(preview)}/",
        "an export that waits": f"{site}exports/{name_of(waiting)}/",
    }  # fmt: skip


def appoint(project: Project) -> None:
    """A judge that was dismissed, and one whose figures are known."""
    for _ in range(2):
        for judge in AiJudge.objects.filter(project=project):
            judges.dismiss(judge=judge)
        judges.appoint(project=project, model_version=makers.make_model(), prompt=prompts.DEFAULT, share=0.25)
    asking.ask()
    for verdict in AiVerdict.objects.filter(said=""):
        makers.answer(verdict.request, "VERDICT: 1")
    settling.settle()
    rounds.rounds_of(project)


def uploaded(project: Project, by: User) -> tuple[ImportRun, ImportRun]:
    """A file that was looked at and waits, and one that came in."""
    made = import_runs.carry_out(preview=looked_at(project, by, "pairs.jsonl"), by=by)
    assert made is not None
    run_import(str(made.pk))
    return looked_at(project, by, "again.jsonl"), ImportRun.objects.get(pk=made.pk)


def looked_at(project: Project, by: User, name: str) -> ImportRun:
    line = {
        "id": name, "prompt": [{"role": "user", "content": "Is the sky blue?"}],
        "chosen": [{"role": "assistant", "content": "# Yes\n\n| a | b |\n|---|---|\n| 1 | `code` |\n"}],
        "rejected": [{"role": "assistant", "content": "No. " * 300}], "remark": "unused",
    }  # fmt: skip
    asked: import_runs.Asked = {"format": "", "kind": "", "source": "pairs", "encoding": "", "keep": True}
    file = SimpleUploadedFile(name, json.dumps(line).encode() + b"\nnot json\n")
    run = import_runs.request(project=project, by=by, file=file, asked=asked, dry_run=True)
    run_import(str(run.pk))
    return ImportRun.objects.get(pk=run.pk)


OF_OPERATORS = {"models-connect": "/manage/models/connect/"}


@pytest.fixture
def connecting(pages: dict[str, str]) -> dict[str, str]:
    """An operator's pages: the form, one that waits, one that worked and one that did not."""
    fields = {"engine": "openai", "location": "http://gpu1:8001/v1", "finished_at": timezone.now()}
    made = {
        "models-trial": ModelTrial.objects.create(
            slug="well", state="worked", text="I can help.", load_seconds=2, answer_seconds=1, **fields
        ),
        "one that failed": ModelTrial.objects.create(
            slug="badly", state="failed", trouble="away", said="ConnectError: refused", **fields
        ),
        "one that waits": ModelTrial.objects.create(slug="new-one", **{**fields, "finished_at": None}),
    }
    found = {name: f"/manage/models/connect/{one.pk}/" for name, one in made.items()}
    return {"models": "/manage/models/", "rounds": pages["rounds"], **OF_OPERATORS, **found}


NO_PAGES = {  # answers to a button, and downloads
    "archive", "people-role", "people-withdraw", "rounds-close", "prompts-retire", "exports-do", "exports-zip",
    "exports-file", "exports-hub-back", "imports-do", "time-sheet", "models-register", "ai-judges-dismiss",
    "red-team-end", "feedback-sheet",
}  # fmt: skip


def walk(visit: Visits, mona: User, pages: dict[str, str], screen: Screen) -> dict[str, list[str]]:
    visitor = visit(mona, **screen.options)
    found: dict[str, list[str]] = {}
    for name, path in pages.items():
        page = visitor.open(path)
        found |= look(page, "manager", name, screen)
        check_screen(page)
    return found


@pytest.mark.parametrize("screen", QUICK, ids=str)
def test_every_page_passes_axe_and_shows_nothing_only_programmers_read(
    visit: Visits, mona: User, operator: User, pages: dict[str, str], connecting: dict[str, str], screen: Screen
) -> None:
    missing = {str(pattern.name) for pattern in urlpatterns} - {*pages, *connecting} - NO_PAGES
    assert not missing, "pages without a test"
    assert not walk(visit, mona, pages, screen)
    assert not walk(visit, operator, connecting, screen)


@pytest.mark.slow
@pytest.mark.parametrize("screen", EVERY, ids=str)
def test_every_screen(
    visit: Visits, mona: User, operator: User, pages: dict[str, str], connecting: dict[str, str], screen: Screen
) -> None:
    assert not walk(visit, mona, pages, screen)
    assert not walk(visit, operator, connecting, screen)
