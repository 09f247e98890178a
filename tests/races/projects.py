"""What managers and their people may write on a project: its settings, guidelines, rounds, pool, members, links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from accounts import idempotency, languages, tokens
from accounts.models import ApiToken, IdempotentReply, User
from exports.options import Options
from labeling import agreements, content_warnings, goals, invitations, projects, terms, withdrawal
from labeling.models import (
    Acknowledgement,
    ContentWarning,
    GuidelineVersion,
    Invitation,
    Membership,
    Project,
    Prompt,
    Round,
    RoundPolicy,
    TermsAcceptance,
    TermsVersion,
    WarningRead,
)
from managing import export_presets
from managing.models import ExportPreset
from sampler.models import ModelVersion
from tests import makers
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken
from tests.races.runs import facts

SKY = [[{"role": "user", "content": "Why is the sky blue?"}]]
SEA = [[{"role": "user", "content": "Why is the sea salty?"}]]


@dataclass
class Work:
    """A project, and the link to it that goes around."""

    project: Project
    people: dict[str, User]
    link: Invitation | None = None

    @property
    def fresh(self) -> Project:
        return Project.objects.get(pk=self.project.pk)

    @property
    def invitation(self) -> Invitation:
        assert self.link is not None
        return Invitation.objects.select_related("project", "created_by").get(pk=self.link.pk)


def project(cast: Cast) -> Work:
    projects.add_prompts(project=cast.project, prompts=SKY)
    return Work(cast.project, cast.people)


def managed(cast: Cast) -> Work:
    """By rita and ron."""
    for name in ("rita", "ron"):
        projects.set_membership(project=cast.project, user=cast.people[name], role="manager")
    return Work(cast.project, cast.people)


def invited(cast: Cast, places: int = 1) -> Work:
    """Two strangers have the same link."""
    people = {name: makers.make_user(name) for name in ("dan", "dora")}
    made, _ = invitations.invite(project=cast.project, role="trainer", by=cast.people["rita"], places=places)
    return Work(cast.project, {**cast.people, **people}, made)


def invited_by_mail(cast: Cast) -> Work:
    """Two strangers read the same mail."""
    work = invited(cast)
    made, _ = invitations.invite(project=cast.project, role="trainer", by=cast.people["rita"], email="dan@example.org")
    return Work(cast.project, work.people, made)


def invite_again(work: Work, role_: str, email: str = "dan@example.org") -> None:
    invitations.invite(project=work.fresh, role=role_, by=work.people["rita"], email=email)


def with_a_token(cast: Cast) -> Work:
    tokens.create(user=cast.people["alice"], name="one")
    return Work(cast.project, cast.people)


def settings(**changed: object) -> Callable[[Work], object]:
    return lambda work: projects.change_settings(project=work.fresh, **changed)


def archive(work: Work, archived: bool) -> object:
    return projects.set_archived(project=work.fresh, archived=archived, by=work.people["rita"])


def publish(work: Work, text: str) -> object:
    return projects.publish_guidelines(project=work.fresh, text=text, by=work.people["rita"])


def agree(work: Work) -> object:
    """With the first guidelines."""
    return agreements.acknowledge(project=work.fresh, person=work.people["bob"], number=1)


def with_a_warning(cast: Cast) -> Work:
    content_warnings.publish_warning(project=cast.project, text="Violence is met here.")
    return Work(cast.project, cast.people)


def publish_warning(work: Work, text: str) -> object:
    return content_warnings.publish_warning(project=work.fresh, text=text)


def read_warning(work: Work) -> object:
    return content_warnings.read_warning(project=work.fresh, person=work.people["bob"], number=1)


def with_terms(cast: Cast) -> Work:
    TermsVersion.objects.filter(project=cast.project).delete()
    terms.publish_terms(project=cast.project, text="Be kind.", by=cast.people["rita"])
    return Work(cast.project, cast.people)


def came_back(cast: Cast) -> Work:
    work = with_terms(cast)
    withdraw(work)
    role(work, "bob", "trainer")
    return work


def count_again(work: Work) -> object:
    return projects.count_again(project=work.fresh, user=work.people["bob"])


def publish_terms(work: Work, text: str) -> object:
    return terms.publish_terms(project=work.fresh, text=text, by=work.people["rita"])


def accept_terms(work: Work) -> object:
    """The first ones."""
    return terms.accept_terms(project=work.fresh, person=work.people["bob"], number=1)


def open_round(work: Work, note: str) -> object:
    version = ModelVersion.objects.order_by("slug")[0]
    return projects.open_round(project=work.fresh, policies=[(version, 1.0, {})], note=note)


def close_round(work: Work) -> object:
    """The first one."""
    return taken(projects.close_round(round=Round.objects.filter(project=work.project).earliest("number")))


def set_goals(work: Work, number: int) -> None:
    """Of the first one."""
    first = Round.objects.filter(project=work.project).earliest("number")
    goals.set_goals(round=first, goal_rankings=number, share_demonstrations=number)


def add_prompts(work: Work, *, both: bool = False) -> object:
    return projects.add_prompts(project=work.fresh, prompts=[*SKY, *SEA] if both else SEA)


def retire_prompts(work: Work) -> object:
    return taken(projects.retire_prompts(prompts=list(Prompt.objects.filter(project=work.project))))


def keep_preset(work: Work, name: str) -> object:
    return export_presets.keep_preset(
        project=work.fresh, options=Options.from_dict({"configs": [name]}), by=work.people["rita"]
    )


def role(work: Work, name: str, role_: str, by: str = "rita") -> object:
    person, manager = work.people[name], work.people[by]
    return projects.set_membership(project=work.fresh, user=person, role=role_, by=manager)


def end(work: Work, name: str, by: str = "rita") -> object:
    return taken(projects.end_membership(project=work.fresh, user=work.people[name], by=work.people[by]))


def weigh(work: Work, weight: float) -> None:
    member = Membership.objects.get(project=work.project, user=work.people["bob"])
    projects.set_label_weight(membership=member, weight=weight)


def withdraw(work: Work) -> object:
    return withdrawal.withdraw(project=work.project, user=work.people["bob"])


def works_in(work: Work, tag: str) -> None:
    languages.set_languages(person=User.objects.get(pk=work.people["bob"].pk), tags=[tag])


def accept(work: Work, name: str) -> object:
    return invitations.accept(invitation=work.invitation, user=work.people[name])


def revoke(work: Work) -> object:
    return taken(invitations.revoke(invitation=work.invitation, by=work.people["rita"]))


def revoke_token(work: Work) -> object:
    return taken(tokens.revoke(token=ApiToken.objects.earliest("created_at"), by=work.people["alice"]))


@idempotency.idempotent
def _invite(view: Work, request: Request) -> Response:
    """A write of the API that is another one each time."""
    data: Mapping[str, str] = request.data  # type: ignore[assignment]  # of an object, which is sent here
    made, _ = invitations.invite(project=view.project, role=data["role"], by=view.people["rita"])
    return Response({"invitation": made.pk})


def keyed(work: Work, role_: str) -> object:
    """A program's request with an Idempotency-Key."""
    sent = APIRequestFactory().post("/", {"role": role_}, format="json", HTTP_IDEMPOTENCY_KEY="one")
    request = Request(sent, parsers=[JSONParser()])
    request.user = work.people["alice"]
    try:
        return _invite(work, request)
    except idempotency.KeyReused:
        return taken(None)


PLAN = facts(
    Project, Acknowledgement, GuidelineVersion, Round, RoundPolicy, Prompt, ExportPreset, Membership, Invitation,
    ApiToken,
    without=["split_salt", "digest", "prefix"],
)  # fmt: skip
LINK = {
    "dan": lambda work: accept(work, "dan"), "dora": lambda work: accept(work, "dora"), "revoke": revoke,
    "dan is made one": lambda work: role(work, "dan", "reviewer"),
}  # fmt: skip
SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "project", project,
        {
            "title": settings(title="Other"), "flags": settings(flags=["harmful"]),
            "more flags": settings(flags=["rude"]),
            "archive": lambda work: archive(work, True), "take up": lambda work: archive(work, False),
            "agree": agree, "publish": lambda work: publish(work, "Be brief."),
            "publish others": lambda work: publish(work, "Be long."),
            "open": lambda work: open_round(work, "a"), "open another": lambda work: open_round(work, "b"),
            "close": close_round, "goals": lambda work: set_goals(work, 10),
            "other goals": lambda work: set_goals(work, 20),
            "prompts": add_prompts, "more prompts": lambda work: add_prompts(work, both=True),
            "retire": retire_prompts, "preset": lambda work: keep_preset(work, "dpo"),
            "another preset": lambda work: keep_preset(work, "sft"),
        },
        PLAN,
    ),
    Situation(
        "managed", managed,
        {
            "bob reviews": lambda work: role(work, "bob", "reviewer"),
            "bob is a guest": lambda work: role(work, "bob", "guest"),
            "bob ends": lambda work: end(work, "bob"), "weight": lambda work: weigh(work, 0.5),
            "another weight": lambda work: weigh(work, 0.25), "withdraw": withdraw,
            "rita ends": lambda work: end(work, "rita"), "ron ends": lambda work: end(work, "ron", by="ron"),
            "ron reviews": lambda work: role(work, "ron", "reviewer", by="ron"),
        },
        PLAN,
    ),
    Situation("invited", invited, LINK, PLAN),
    Situation(
        "invited by mail", invited_by_mail,
        {
            **LINK, "again": lambda work: invite_again(work, "guest"),
            "again to review": lambda work: invite_again(work, "reviewer"),
            "another address": lambda work: invite_again(work, "guest", email="eve@example.org"),
        },
        PLAN,
    ),
    Situation("shared link", lambda cast: invited(cast, places=2), LINK, PLAN),
    Situation(
        "came back", came_back,
        {
            "count again": count_again, "withdraw": withdraw,
            "bob ends": lambda work: end(work, "bob"), "accept": accept_terms,
        },
        facts(Membership, TermsAcceptance, without=["accepted_at"]),
    ),
    Situation(
        "terms", with_terms,
        {
            "accept": accept_terms, "publish": lambda work: publish_terms(work, "Be brief."),
            "publish others": lambda work: publish_terms(work, "Be long."), "withdraw": withdraw,
        },
        facts(TermsVersion, TermsAcceptance, without=["accepted_at"]),
    ),
    Situation(
        "warning", with_a_warning,
        {
            "read": read_warning, "publish": lambda work: publish_warning(work, "Hate too."),
            "take back": lambda work: publish_warning(work, ""),
        },
        facts(ContentWarning, WarningRead),
    ),
    Situation(
        "languages", managed,
        {"german": lambda work: works_in(work, "de"), "spanish": lambda work: works_in(work, "es")},
        facts(User, without=["password", "last_login"]),
    ),
    Situation("token", with_a_token, {"revoke": revoke_token}, PLAN),
    Situation(
        "one key", managed,
        {
            "invite": lambda work: keyed(work, "trainer"), "invite others": lambda work: keyed(work, "guest"),
            "forget": lambda work: idempotency.forget_old(),
        },
        facts(Invitation, IdempotentReply, without=["digest", "request_hash", "body"]),
    ),
)  # fmt: skip
