"""Everybody who may knock, and a row of everything that an address can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import Notice, User
from labeling import dialogues, invitations, leases, questions, turns
from labeling.feedback import give_feedback
from labeling.models import Project
from labeling.suggestions import request_suggestions
from tests import makers
from tests.red_team import begin, make_rule
from webhooks import subscriptions
from webhooks.models import Delivery

People = dict[str, User | None]
Rows = Mapping[str, object]


@dataclass
class Clients:
    """A browser and an API client for each."""

    browsers: dict[str, Client] = field(default_factory=dict)
    machines: dict[str, APIClient] = field(default_factory=dict)


@pytest.fixture
def people(
    project: Project, alice: User, bob: User, rita: User, mona: User, guest: User, stranger: User, operator: User
) -> People:
    other = makers.make_project("other")
    return {
        "anonymous": None,
        "stranger": stranger,
        "guest": guest,
        "owner": alice,
        "trainer": bob,
        "reviewer": rita,
        "manager": mona,
        "operator": operator,
        "elsewhere": makers.make_member(other, "else", role="manager"),
    }


@pytest.fixture
def rows(project: Project, alice: User, mona: User, rita: User, settings: Settings) -> Rows:
    """What the parameters of the addresses stand for: alice's work, and the project's things."""
    from django.core import signing
    from django.utils import timezone

    from exports.models import ExportRun
    from hub.models import Push, Repository
    from labeling.ai_judges import judges, prompts
    from labeling.api.suggestions import SALT
    from labeling.models import ImportRun, Review
    from managing.pages import importing
    from managing.pages.exporting import name_of
    from moderation import marks
    from moderation.models import Verdict
    from sampler.models import ModelTrial

    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    chat = makers.make_chat(project, alice)
    demonstration = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turn = turns.add_turn(dialogue=demonstration, role="user", text="What is a fjord?")
    asked = request_suggestions(dialogue=demonstration, role="assistant")[0]
    makers.make_comparison(project)
    assignment, _ = leases.lease_next(project=project, trainer=alice)
    assert assignment is not None
    makers.make_comparison(project, votes=9)
    invitation, token = invitations.invite(project=project, role="guest", by=mona)
    webhook = subscriptions.subscribe(project=project, url="https://127.0.0.1/x", events=["comparison.closed"], by=mona)
    delivery = Delivery.objects.create(
        subscription=webhook, event="comparison.closed", object_key=assignment.comparison_id, data={}, state="failed"
    )
    returned = makers.make_ranking(makers.make_comparison(project), alice)
    Review.objects.create(ranking=returned, reviewer=rita, decision="returned", comment="Look again.")
    export = ExportRun.objects.create(
        project=project, trigger="api", cutoff=timezone.now(), state="removed", path="gone"
    )
    question = questions.ask(by=alice, text="May a poem be ranked?", project=project)
    notice = Notice.objects.create(user=alice, kind="goal", key="goal", subject=project.title, address="/")
    judge = judges.appoint(project=project, model_version=makers.make_model(), prompt=prompts.DEFAULT, share=0.5)
    upload = ImportRun.objects.create(project=project, file_name="a", stored_as="", state="finished", dry_run=True)
    judged = Verdict.objects.get(target_id=turn.pk)
    repository = Repository.objects.create(project=project, name="acme/demo", state="gone")
    return {
        "slug": project.slug, "kind": "chat", "returned": returned.pk, "ranked": returned.comparison_id,
        "owner": "alice", "token": token, "invitation": invitation.pk,
        "assignment": assignment.pk, "comparison": assignment.comparison_id, "chat": chat.pk,
        "model_turn": chat.turns.get(role="assistant").pk, "demonstration": demonstration.pk, "turn": turn.pk,
        "suggestions": signing.dumps([str(demonstration.pk), str(asked.pk)], salt=SALT),
        "verdict": judged.pk,
        "mark": marks.mark(verdict=judged, user=alice, harmful=True).pk,
        "question": question.pk, "question_name": question.name,
        "notice": notice.pk,
        "webhook": webhook.pk, "delivery": delivery.pk, "export": export.pk, "file": "manifest.json",
        "export_name": name_of(export), "ai_judge": judge.number, **red_team(project, alice),
        "upload": importing.name_of(upload),
        "push": Push.objects.create(repository=repository, export=export).pk,
        "round": project.rounds.latest("number").number,
        "trial": ModelTrial.objects.create(slug="tried", engine="fake", location="", state="worked", text="Yes.").pk,
        "repository": repository.pk,
    }  # fmt: skip


def red_team(project: Project, alice: User) -> dict[str, object]:
    """A rule, and a chat about it."""
    rule = make_rule(project)
    return {"rule": rule.number, "tried": begin(project, alice).pk}


@pytest.fixture
def clients(people: People) -> Clients:
    made = Clients()
    for name, user in people.items():
        browser, machine = made.browsers[name], made.machines[name] = Client(), APIClient()
        if user is not None:
            browser.force_login(user)
            machine.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(user=user)}")
    return made


@pytest.fixture
def admin_rows(rows: Rows, project: Project, alice: User, mona: User, rita: User) -> Rows:
    """A row of every model in the admin site, all of one project."""
    from accounts.models import ApiToken, AuditEntry
    from labeling import projects
    from labeling.models import Prompt, Review, Round, TurnDraw
    from moderation.models import Threshold, Verdict
    from sampler.models import ModelVersion, SampleRequest

    chat = makers.make_chat(project, alice, submit=True)
    feedback = give_feedback(turn=chat.turns.get(role="assistant"), user=alice, thumb_up=True)
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": "Of tides?"}]])
    review = Review.objects.create(ranking=ranking, reviewer=rita, decision="accepted")
    tokens.create(user=alice)
    verdict = Verdict.objects.create(
        project=project,
        target="turn",
        target_id=chat.turns.earliest("position").pk,
        filter="words",
        filter_version="1",
        action="warn",
    )
    threshold = Threshold.objects.create(project=project, filter="words", category="violence")
    return {
        **rows,
        "exports/exportrun": rows["export"],
        "moderation/verdict": verdict.pk,
        "moderation/threshold": threshold.pk,
        "sampler/modelversion": ModelVersion.objects.all()[0].pk,
        "sampler/samplerequest": SampleRequest.objects.all()[0].pk,
        "accounts/user": alice.pk, "accounts/apitoken": ApiToken.objects.all()[0].pk,
        "accounts/auditentry": AuditEntry.objects.all()[0].pk, "labeling/comparison": rows["comparison"],
        "labeling/assignment": rows["assignment"], "labeling/dialogue": chat.pk,
        "labeling/turndraw": TurnDraw.objects.get().pk, "labeling/turnfeedback": feedback.pk,
        "labeling/guidelineversion": project.guidelines.get().pk,
        "labeling/membership": alice.memberships.get().pk, "labeling/project": project.pk,
        "labeling/prompt": Prompt.objects.get().pk, "labeling/ranking": ranking.pk, "labeling/review": review.pk,
        "labeling/round": Round.objects.get(project=project).pk, "webhooks/subscription": rows["webhook"],
        "webhooks/delivery": rows["delivery"],
    }  # fmt: skip
