"""The admin site: who comes in, and that a manager of one project meets nothing of another on any page."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from exports import runs, tasks
from labeling import agreements, projects
from labeling.feedback import give_feedback
from labeling.models import Invitation, Membership, Project
from labeling.quality import hidden, reviews
from tests import makers
from tests.exports.test_runs import export_root  # noqa: F401 - a fixture
from webhooks import subscriptions
from webhooks.models import Delivery

SECRET = "zebrafish"  # in every text of the other project


@pytest.fixture
def other(db: None, settings: Settings, export_root: Path) -> Project:  # noqa: F811 - the fixture imported above
    """Another project, full of one row of everything, whose texts all say SECRET."""
    other = makers.make_project(f"{SECRET}-project", description=SECRET)
    walter = makers.make_member(other, f"{SECRET}walter", role="manager")
    tina = makers.make_member(other, f"{SECRET}tina")
    projects.publish_guidelines(project=other, text=f"# {SECRET}", note=SECRET, by=walter)
    agreements.acknowledge(project=other, person=tina, number=2)
    projects.add_prompts(project=other, prompts=[[{"role": "user", "content": SECRET}]], source=SECRET)
    dialogue = makers.make_demonstration(other, tina, question=SECRET)
    chat = makers.make_chat(other, tina, submit=True)

    give_feedback(turn=chat.turns.get(role="assistant"), user=tina, thumb_up=False, comment=SECRET)
    comparison = makers.make_comparison(other, prompt=SECRET)
    ranking = makers.make_ranking(comparison, tina, note=SECRET)
    reviews.decide(reviewer=walter, decision="returned", ranking=ranking, comment=SECRET)
    hidden.make_original(ranking=ranking, kind="calibration", explanation=SECRET)
    run = runs.request(project=other, trigger="api", ring=False)
    assert tasks.run_export(str(run.pk)) == "finished"
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    address = f"https://127.0.0.1/{SECRET}"
    webhook = subscriptions.subscribe(project=other, url=address, events=["export.finished"], by=walter)
    Delivery.objects.create(
        subscription=webhook, event="export.finished", object_key=run.pk, data={"note": SECRET}, state="failed"
    )
    assert dialogue.state == "submitted"
    return other


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def addresses_of(model_admin: ModelAdmin[Model], pk: object) -> list[str]:
    """Every address of a model's admin: lists, forms, own pages, each button, with this id where one is asked for."""
    found = []
    buttons = list(getattr(model_admin, "buttons", {}))
    for pattern in model_admin.get_urls():
        if not pattern.name:
            continue
        names = list(pattern.pattern.converters)
        known = {"object_id": pk, "slug": f"{SECRET}-project", "name": "manifest.json"}
        for button in buttons if "button" in names else [""]:
            values = {name: button if name == "button" else known.get(name, "x") for name in names}
            found.append(reverse(f"admin:{pattern.name}", kwargs=values))
    return found


def test_managers_and_reviewers_come_in_and_trainers_guests_and_strangers_do_not(
    mona: User, rita: User, operator: User, alice: User, guest: User, stranger: User, client: Client
) -> None:
    for user in (mona, rita, operator):
        assert client_of(user).get(reverse("admin:index")).status_code == 200
    for user in (alice, guest, stranger):
        answer = client_of(user).get(reverse("admin:index"))
        assert answer.status_code in (302, 404)
        if answer.status_code == 302:
            assert client_of(user).get(answer["Location"]).status_code == 404
    assert reverse("account_login") in client.get(reverse("admin:index"), follow=True).redirect_chain[-1][0]


def test_the_way_to_administration_is_shown_to_those_whom_it_lets_in(
    project: Project, alice: User, stranger: User, operator: User
) -> None:
    link = f'href="{reverse("managing:projects")}"'
    manager = makers.make_user("newly made")
    projects.set_membership(project=project, user=manager, role="manager")
    flagged = makers.make_user("flagged", is_staff=True)
    assert not manager.is_staff
    for user, shown in ((manager, True), (operator, True), (alice, False), (stranger, False), (flagged, False)):
        assert (link in client_of(user).get("/").content.decode()) is shown, user
    projects.end_membership(project=project, user=manager)
    assert link not in client_of(manager).get("/").content.decode()


def test_a_manager_whose_membership_ended_is_out(project: Project, mona: User) -> None:
    projects.end_membership(project=project, user=mona)
    assert client_of(mona).get(reverse("admin:labeling_project_changelist")).status_code == 302


@pytest.mark.parametrize("who", ["mona", "rita"])
def test_no_address_of_any_model_shows_or_admits_a_row_of_another_project(
    who: str, request: pytest.FixtureRequest, project: Project, other: Project
) -> None:
    client = client_of(request.getfixturevalue(who))
    visited = 0
    for model, model_admin in admin.site._registry.items():
        row = model._default_manager.order_by("pk").last() if _belongs(model, other) is None else _belongs(model, other)
        pk = row.pk if row is not None else uuid.uuid4()
        for address in addresses_of(model_admin, pk):
            theirs = str(pk) in address
            for method in ("get", "post"):
                answer = getattr(client, method)(address)
                visited += 1
                body = answer.content.decode(errors="replace") if not answer.streaming else ""
                assert SECRET not in body, (method, address)
                assert str(other.pk) not in body, (method, address)
                if theirs and model._meta.app_label in ("labeling", "exports", "moderation", "webhooks"):
                    assert answer.status_code in (302, 403, 404, 405), (method, address, answer.status_code)
                    if answer.status_code == 302:
                        assert str(pk) not in answer["Location"], (method, address)
    assert visited > 60


def test_actions_on_rows_of_another_project_do_nothing(mona: User, other: Project) -> None:
    client = client_of(mona)
    for model, model_admin in admin.site._registry.items():
        row = _belongs(model, other)
        if row is None:
            continue
        before = list(model._default_manager.values())
        for action in ("discard", "retire", "delete_selected", "close", "archive"):
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            answer = client.post(address, {"action": action, "_selected_action": [row.pk], "post": "yes"}, follow=True)
            assert SECRET not in answer.content.decode()
        assert list(model._default_manager.values()) == before, model_admin


def test_filters_searches_and_choices_offer_nothing_of_another_project(mona: User, other: Project) -> None:
    client = client_of(mona)
    for path, query in (
        ("admin:labeling_ranking_changelist", f"?in_project={other.slug}"),
        ("admin:labeling_ranking_changelist", "?q=zebra"),
        ("admin:labeling_prompt_changelist", "?q=zebra"),
        ("admin:labeling_ranking_queue", f"?in_project={other.slug}"),
        ("admin:labeling_membership_add", ""),
        ("admin:labeling_round_add", f"?project={other.pk}"),
        ("admin:labeling_guidelineversion_add", f"?project={other.pk}"),
    ):
        text = client.get(reverse(path) + query).content.decode()
        echoed = re.compile(rf"(in_project|project)(=|%3D)({other.slug}|{other.pk})")
        text = echoed.sub("", text).replace(f'value="{other.slug}"', "")
        assert SECRET not in text, path
        assert f'<option value="{other.pk}"' not in text, path


def test_rows_cannot_be_added_to_another_project(mona: User, other: Project) -> None:
    client = client_of(mona)
    tina = other.memberships.get(role="trainer").user
    before = (other.memberships.count(), other.rounds.count(), other.guidelines.count(), other.prompts.count())
    policy = other.rounds.get().policies.get().model_version
    mixture = {
        "policies-TOTAL_FORMS": 1,
        "policies-INITIAL_FORMS": 0,
        "policies-0-model_version": policy.pk,
        "policies-0-weight": 1,
        "policies-0-params": "{}",
    }
    client.post(
        reverse("admin:labeling_membership_add"),
        {"project": other.pk, "user": tina.pk, "role": "manager", "label_weight": 1},
    )
    client.post(reverse("admin:labeling_round_add"), {"project": other.pk, "note": "x", **mixture})
    client.post(reverse("admin:labeling_guidelineversion_add"), {"project": other.pk, "text": "x", "note": "x"})
    client.post(reverse("admin:labeling_prompt_add"), {"project": other.pk, "openings": "x"})
    assert before == (other.memberships.count(), other.rounds.count(), other.guidelines.count(), other.prompts.count())


def _belongs(model: type[Model], project: Project) -> Model | None:
    """A row of `model` in `project`, or None where its rows belong to no project or it has none."""
    if model._meta.label == "labeling.Project":
        return project
    if model is Membership:
        return project.memberships.first()
    if model is Invitation:
        return None
    lookup = getattr(admin.site._registry[model], "project_lookup", None)
    if not lookup or model._meta.app_label in ("sampler", "accounts", "auth", "account", "mfa"):
        return None
    if model._meta.label == "labeling.Review":
        lookup = "ranking__comparison__project"
    return model._default_manager.filter(**{lookup: project}).first()
