"""Hostile text in every text field that people, models or files fill: on every page it shows as text.

All texts of all rows become hostile at once; then every page that answers a GET is read as a browser
would parse it: trainers' pages, the admin site with reviews, verdicts, feedback and exports, insights.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import models
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from exports import runs, tasks
from insights import reports
from labeling.models import Assignment, Comparison, Project, ReviewItem
from moderation.models import Verdict, VerdictFeedback
from tests import makers
from tests.permissions.routes import ROUTES
from tests.permissions.test_matrix import admin_routes, admin_rule, fill

pytestmark = pytest.mark.django_db

HTML = "\"'><dlx-evil onevil=1>"
EVIL = HTML + "[l](javascript:evil()) <style>dlx{}</style></textarea></title></script><script>evil()</script>{{evil}}"
APPS = ("accounts", "exports", "insights", "labeling", "moderation", "sampler", "webhooks")
CODED = {  # what the product writes itself and reads again: hashes, keys, numbers, names of its own things
    "accounts.User": {"password", "email"},
    "accounts.ApiToken": {"prefix", "scopes"},
    "accounts.AuditEntry": {"action", "object_type", "object_id", "fields"},  # append-only: one is added
    "exports.ExportRun": {"path", "options", "manifest"},
    "insights.Judgement": {"kind", "prompt_key"},
    "labeling.Project": {"task_types", "nightly_configs", "review_rules", "exam", "split_salt", "pseudonym_key"},
    "labeling.Comparison": {"split", "prompt_key", "content_hash", "known_groups"},
    "labeling.Dialogue": {"split", "prompt_key", "content_hash"},
    "labeling.Prompt": {"prompt_key", "content_hash"},
    "labeling.Turn": {"suggestions_shown"},
    "labeling.TurnFeedback": {"earlier"},
    "labeling.Assignment": {"order_shown", "draft"},
    "labeling.Ranking": {"order_shown", "groups", "ratings", "strengths", "submission_hash"},
    "labeling.TurnDraw": {"policy", "eligible", "drawn"},
    "labeling.ReviewItem": {"reasons"},
    "moderation.Verdict": {"filter", "filter_version", "scores"},
    "moderation.Threshold": {"filter"},
    "sampler.ModelVersion": {"engine", "weights_hash", "template_hash"},
    "webhooks.Subscription": {"url"},
    "webhooks.Delivery": {"data"},
}


class Reader(HTMLParser):
    """Notes whatever of the hostile text became more than text."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[str] = []
        self.raw = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.raw = tag if tag in {"script", "style"} else ""
        if tag == "dlx-evil":
            self.alive.append("an element of the text's own")
        for name, value in attrs:
            value = value or ""
            if name == "onevil":
                self.alive.append("an attribute of the text's own")
            if name in {"href", "src", "action", "formaction"} and value.strip().lower().startswith("javascript:"):
                self.alive.append(f"a link that runs: {value[:60]}")
            # Attributes that are code: handlers, styles, and Alpine's, which the admin theme evaluates.
            if "evil" in value and (name == "style" or name.startswith(("on", "x-", "@", ":"))):
                self.alive.append(f"code in the attribute {name}: {value[:80]}")

    def handle_endtag(self, tag: str) -> None:
        self.raw = ""

    def handle_data(self, data: str) -> None:
        if self.raw and "evil" in data:
            self.alive.append(f"code in <{self.raw}>: {data[:80]}")


def found_alive(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.alive


def make_hostile() -> set[str]:
    """Every text of every row is hostile afterwards; the columns that were changed."""
    changed = set()
    for model in (model for app in APPS for model in apps.get_app_config(app).get_models()):
        columns = [field for field in model._meta.concrete_fields if open_to_text(model, field)]
        for row in model._default_manager.all() if columns else ():
            values = {f.name: hostile(f, getattr(row, f.name)) for f in columns if f.name != "not_rankable"}
            model._default_manager.filter(pk=row.pk).update(**values)
            changed |= {f"{model._meta.label}.{name}" for name in values}
    return changed


def open_to_text(model: type[models.Model], field: models.Field[Any, Any]) -> bool:
    if field.name in CODED.get(model._meta.label, set()) or field.unique or field.primary_key:
        return False
    return isinstance(field, (models.CharField, models.TextField, models.JSONField)) and not field.choices


def hostile(field: models.Field[Any, Any], value: Any) -> Any:
    if not isinstance(field, models.JSONField):
        return (EVIL if field.max_length is None or field.max_length >= len(EVIL) else HTML)[: field.max_length]
    if isinstance(value, str):
        return EVIL
    if isinstance(value, list):
        return [hostile(field, item) for item in value]
    if isinstance(value, dict):
        return {key: item if key == "role" else hostile(field, item) for key, item in value.items()}
    return value


@pytest.fixture
def world(
    admin_rows, project: Project, alice: User, bob: User, rita: User, mona: User, settings: Settings, tmp_path: Path
):
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
            cid = str(comparison.candidates.first().completion_id)
            makers.make_ranking(comparison, trainer, flags={cid: ["too long"]}, note="A note.")
    dialogue = makers.make_demonstration(project, alice)
    ReviewItem.objects.get_or_create(dialogue=dialogue, defaults={"project": project, "reasons": ["random"]})
    VerdictFeedback.objects.create(verdict=Verdict.objects.first(), user=rita, harmful=True, category="violence")
    Assignment.objects.filter(pk=admin_rows["assignment"]).update(draft={"note": EVIL, "not_rankable_other": EVIL})
    Comparison.objects.filter(pk=admin_rows["comparison"]).update(explanation="Because.")
    run = runs.request(project=project, trigger="api", ring=False)
    AuditEntry.objects.create(actor=mona, action="project.change", object_type="project", fields=[EVIL])
    changed = make_hostile()
    tasks.run_export(str(run.pk))
    reports.refresh(project)
    return admin_rows | {"exports/exportrun": run.pk, "dialogue": dialogue.pk}, changed


def addresses(rows: dict[str, Any]) -> Iterator[str]:
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
    yield f"/admin/labeling/dialogue/{rows['dialogue']}/review/"


def test_hostile_text_shows_as_text_on_every_page(world, alice: User, mona: User, operator: User) -> None:
    rows, changed = world
    alive, shown_on = [], set()
    for user in (alice, mona, operator):
        client = Client()
        client.force_login(user)
        for address in dict.fromkeys(addresses(rows)):
            cache.clear()
            if "/stream/" in address:
                continue  # never ends, and is no page
            answer = client.get(address)
            assert answer.status_code < 500 or address == "/readyz", f"{address} as {user}: {answer.status_code}"
            if answer.streaming:
                b"".join(answer.streaming_content)  # a file to keep, whose type no browser runs
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
