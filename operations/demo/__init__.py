"""The demo project: made once, by `bin/start`, through the same functions as any other project."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.db import transaction

from accounts.models import User
from labeling import projects
from labeling.models import Membership, Project
from operations.demo import prompts
from sampler import registry
from sampler.models import ModelVersion

SLUG = "demo"
MODEL = "smollm2"
CAST = (
    ("alice", Membership.Role.TRAINER),
    ("bob", Membership.Role.TRAINER),
    ("rita", Membership.Role.REVIEWER),
    ("mona", Membership.Role.MANAGER),
)
# A model this small rambles when it is sampled freely, and answers of a few sentences are what trainers can rank.
PARAMS = {"temperature": 0.8, "top_p": 0.95, "max_tokens": 128}


def register(location: Path) -> ModelVersion:
    """The demo's model version, following its folder when the var folder has moved."""
    known = ModelVersion.objects.filter(slug=MODEL).first()
    if known is None:
        return registry.register_model(slug=MODEL, engine="hf", location=str(location), default_params=PARAMS)[0]
    if known.location != str(location) and not Path(known.location).is_dir():
        registry.relocate(model_version=known, location=str(location))
    if known.state == ModelVersion.State.FAILED:
        registry.serve(model_version=known)
    return known


@transaction.atomic
def make(version: ModelVersion) -> dict[str, str]:
    """The project, its people, prompts and first round; their passwords by name. Empty when it was there already."""
    if Project.objects.filter(slug=SLUG).exists():
        return {}
    operator, passwords = _account("admin", operator=True)
    project = projects.create_project(
        slug=SLUG,
        title="Demo project",
        guidelines=(Path(__file__).parent / "guidelines.md").read_text(),
        by=operator,
        description="A small model, a few dozen openings and every kind of task, to try things on.",
        max_tokens=PARAMS["max_tokens"],
        stock_target=4,
        licence="cc0-1.0",
    )
    for name, role in CAST:
        user, password = _account(name, staff=role != Membership.Role.TRAINER)
        passwords |= password
        projects.set_membership(project=project, user=user, role=role, by=operator)
    projects.add_prompts(
        project=project, prompts=[prompts.as_messages(one) for one in prompts.PROMPTS], source="Duologue demo"
    )
    projects.open_round(project=project, policies=[(version, 1.0, {})], note="SmolLM2 as it comes")
    return passwords


def _account(name: str, *, operator: bool = False, staff: bool = False) -> tuple[User, dict[str, str]]:
    """An account of that name and its password, or the one that is there, whose password nobody learns."""
    user = User.objects.filter(username=name).first()
    if user is not None:
        return user, {}
    password = secrets.token_urlsafe(9)
    user = User.objects.create_user(name, password=password, is_staff=operator or staff, is_superuser=operator)
    return user, {name: password}
