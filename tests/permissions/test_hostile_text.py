"""Hostile text in every text field that people, models or files fill: on every page it shows as text.

All texts of all rows become hostile at once; then every page that answers a GET is read as a browser
would parse it: trainers' pages, the admin site with reviews, verdicts, feedback and exports, insights.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from exports import runs, tasks
from insights import reports
from labeling import questions
from labeling.models import Assignment, Comparison, Project, Question, ReviewItem
from moderation.models import Verdict, VerdictFeedback
from tests import makers
from tests.permissions.asking import fill
from tests.permissions.conftest import Rows
from tests.permissions.hostile import EVIL, found_alive, make_hostile
from tests.permissions.routes import ROUTES
from tests.permissions.test_admin_matrix import admin_routes, admin_rule

pytestmark = pytest.mark.django_db
World = tuple[Rows, set[str]]  # and the columns that were made hostile


@pytest.fixture
def world(
    admin_rows: Rows,
    project: Project,
    alice: User,
    bob: User,
    rita: User,
    mona: User,
    settings: Settings,
    tmp_path: Path,
) -> World:
    """A row of everything, on every page something to read."""
    settings.EXPORT_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "exports": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    }
    project.flags = ["too long"]
    project.save(update_fields=["flags"])
    for _ in range(3):
        comparison = makers.make_comparison(project, votes=2)
        for trainer in (alice, bob):
            cid = str(comparison.candidates.get(index=0).completion_id)
            makers.make_ranking(comparison, trainer, flags={cid: ["too long"]}, note="A note.")
    dialogue = makers.make_demonstration(project, alice)
    ReviewItem.objects.get_or_create(dialogue=dialogue, defaults={"project": project, "reasons": ["random"]})
    VerdictFeedback.objects.create(verdict=Verdict.objects.all()[0], user=rita, harmful=True, category="violence")
    Assignment.objects.filter(pk=str(admin_rows["assignment"])).update(draft={"note": EVIL, "not_rankable_other": EVIL})
    Comparison.objects.filter(pk=str(admin_rows["comparison"])).update(explanation="Because.")
    asked = Question.objects.get(pk=str(admin_rows["question"]))
    questions.answer(question=asked, by=mona, text="It may.", for_everybody=True)
    run = runs.request(project=project, trigger="api", ring=False)
    AuditEntry.objects.create(actor=mona, action="project.change", object_type="project", fields=[EVIL])
    changed = make_hostile()
    tasks.run_export(str(run.pk))
    reports.refresh(project)
    return {**admin_rows, "exports/exportrun": run.pk, "dialogue": dialogue.pk}, changed


def addresses(rows: Rows) -> Iterator[str]:
    for route in admin_routes():
        rule = admin_rule(route, rows)
        if rule and "GET" in rule[1] and not route.startswith(("admin/login", "admin/logout")):
            yield rule[0]
    for route, rule_ in ROUTES.items():
        if "GET" in rule_.methods and not route.startswith("accounts/logout"):
            yield fill(route, {name: str(rows.get(row, row)) for name, row in rule_.rows.items()})
    for word in ("comparison", "chat", "demonstration", "dialogue"):
        if word in rows and word != "comparison":
            yield f"/dialogues/{rows[word]}/"
    yield f"/review/dialogues/{rows['dialogue']}/"
    yield f"/review/rankings/{rows['returned']}/?order=1"


def test_hostile_text_shows_as_text_on_every_page(world: World, alice: User, mona: User, operator: User) -> None:
    rows, changed = world
    alive, shown_on = [], set()
    for user in (alice, mona, operator):
        client = Client()
        client.force_login(user)
        for address in dict.fromkeys(addresses(rows)):
            cache.clear()
            if "/stream/" in address:
                continue  # never ends, and is not a page
            answer = client.get(address)
            assert answer.status_code < 500 or address == "/readyz", f"{address} as {user}: {answer.status_code}"
            if answer.streaming:
                answer.getvalue()  # a file to keep, whose type no browser runs
                assert answer["Content-Disposition"].startswith("attachment"), address
                continue
            if answer.status_code != 200 or "html" not in answer["Content-Type"]:
                continue
            html = answer.content.decode()
            alive += [f"{address} as {user}: {how}" for how in found_alive(html)]
            if "dlx-evil" in html or "dlx{}" in html:
                shown_on.add(address.replace(str(rows.get("slug")), "SLUG"))
    assert not alive, "\n".join(alive)
    # The test has power only where the text is there to be read.
    for part in (
        "/ranking/", "/dialogues/", "/history/", "/projects/SLUG/guidelines/", "/admin/labeling/ranking/",
        "/review/dialogues/", "/review/rankings/", "/review/comparisons/", "/projects/SLUG/review/",
        "/admin/labeling/dialogue/", "/admin/labeling/turnfeedback/", "/admin/labeling/comparison/",
        "/admin/labeling/prompt/", "/admin/labeling/review/", "/admin/moderation/verdict/", "/admin/exports/exportrun/",
        "/admin/sampler/samplerequest/", "/admin/insights/SLUG/",
    ):  # fmt: skip
        assert any(address.startswith(part) for address in shown_on), f"nothing hostile to read under {part}"
    assert "/" in shown_on
    assert len(changed) > 40, sorted(changed)


@pytest.mark.parametrize(
    "html",
    [
        "<p><dlx-evil onevil=1></p>",
        '<a href=" javascript:evil()">l</a>',
        "<div x-data=\"{a: 'evil'}\">",
        "<script>let a = 'evil'</script>",
        "<style>.evil{}</style>",
        '<p style="evil">',
    ],
)
def test_what_is_alive_is_noticed(html: str) -> None:
    assert found_alive(html)
    assert not found_alive("<p>&lt;dlx-evil onevil=1&gt; javascript:evil()</p>")
