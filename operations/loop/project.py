"""The project of a run of `demo_loop`, with its simulated trainers and its folder; and their removal."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import User
from common.shapes import Message
from labeling import projects
from labeling.models import Assignment, Comparison, Membership, Project, Ranking
from labeling.text import prompt_key, split_of
from operations import demo
from operations.demo import prompts as openings
from operations.loop import rule
from sampler.models import Completion, ModelVersion, SampleRequest

TRAINERS = 3
TEST_SHARE = 0.25
SHORTLY = "Answer in one short sentence."
STOPS = ["\n", ". "]  # so that an answer ends with its first sentence
GUIDELINES = f"""# Simulated trainers

Nobody judges here: the accounts `sim-1` to `sim-{TRAINERS}` are programs that rank by a rule, {rule.WORDS}.
"""


class LoopError(Exception):
    """The run cannot go on; the message is a sentence for the operator."""


@dataclass
class LoopProject:
    project: Project
    trainers: list[User]
    folder: Path
    made: list[ModelVersion] = field(default_factory=list)  # by this run
    requests: list[UUID] = field(default_factory=list)  # outside of comparisons


@transaction.atomic
def build(*, prompts: int, completions: int, max_tokens: int, keep: bool) -> LoopProject:
    """A project of its own with M openings of the demo, about a quarter of them held out.

    Raises:
        LoopError: there are not so many openings, or somebody has a simulated trainer's name.
    """
    texts = sorted(openings.PROMPTS, key=lambda one: not isinstance(one, str))[:prompts]
    if not 4 <= prompts <= len(texts):
        raise LoopError(f"--prompts takes 4 to {len(openings.PROMPTS)}: so many openings come with the demo.")
    messages = [shortly(openings.as_messages(one)) for one in texts]
    slug = f"loop-{timezone.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    project = projects.create_project(
        slug=slug,
        title=f"Loop demonstration {slug.removeprefix('loop-')} (simulated trainers)",
        description="Made by demo_loop. Its rankings come from a rule, not from people.",
        guidelines=GUIDELINES,
        task_types=["ranking"],
        throwaway=not keep,
        completions_per_comparison=completions,
        max_tokens=max_tokens,
        keep_truncated=False,
        stock_target=len(messages),
        test_share=TEST_SHARE,
        split_salt=salt_for(messages),
        overlap_share=0.0,
        licence="cc0-1.0",
    )
    projects.add_prompts(project=project, prompts=messages, source="Duologue demo")
    trainers = [_trainer(project, number) for number in range(1, TRAINERS + 1)]
    folder = Path(settings.MODEL_ROOT) / slug
    folder.mkdir(parents=True)
    return LoopProject(project, trainers, folder)


def shortly(messages: list[Message]) -> list[Message]:
    """The opening with a request for a short answer: one that ends by itself can be judged as a whole."""
    return [*messages[:-1], Message(role=messages[-1]["role"], content=f"{messages[-1]['content']} {SHORTLY}")]


def salt_for(messages: Sequence[Sequence[Message]]) -> str:
    """The first salt that holds out a quarter of these openings, so that few openings need no luck."""
    wanted = max(1, round(len(messages) * TEST_SHARE))
    keys = [prompt_key(one) for one in messages]
    for number in count(1):
        salt = f"demo-loop-{number}"
        if sum(split_of(salt=salt, key=key, test_share=TEST_SHARE) == "test" for key in keys) == wanted:
            return salt
    raise AssertionError("count() does not end")


def _trainer(project: Project, number: int) -> User:
    name = f"sim-{number}"
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User.objects.create_user(name, first_name="Simulated", last_name=f"trainer {number}")
        user.set_unusable_password()
        user.save(update_fields=["password"])
    elif user.has_usable_password():
        raise LoopError(f"There is a person called {name}: demo_loop needs the names sim-1 to sim-{TRAINERS}.")
    projects.set_membership(project=project, user=user, role=Membership.Role.TRAINER)
    return user


def first_policy(slug: str = "") -> ModelVersion:
    """The model version to begin with: the one named, or the demo's own, unpacked if it is not yet.

    Raises:
        LoopError: there is no such policy, or its weights are not in a folder of this machine.
    """
    if slug:
        version = ModelVersion.objects.filter(slug=slug, role=ModelVersion.Role.POLICY).first()
        if version is None:
            raise LoopError(f"There is no policy {slug!r}; register_model makes one.")
    else:
        version = _demo_policy()
    if version.engine != "hf" or not list(Path(version.location).glob("*.safetensors")):
        raise LoopError(f"{version.slug} cannot be trained here: it takes the hf engine and a folder of safetensors.")
    return version


def _demo_policy() -> ModelVersion:
    known = ModelVersion.objects.filter(slug=demo.MODEL).first()
    if known is not None and Path(known.location).is_dir():
        return known
    from launcher import model
    from launcher.options import StartError

    try:
        return demo.register(model.ensure(Path(settings.VAR_DIR)))
    except StartError as error:
        raise LoopError(str(error)) from None


def remove(run: LoopProject) -> None:
    """Take away all that this run made; what others made with its model versions, if anything, stays with them."""
    project = run.project
    with transaction.atomic():
        linked = list(
            SampleRequest.objects.filter(
                pk__in=Comparison.objects.filter(project=project).values("requests__request")
            ).values_list("pk", flat=True)
        )
        Ranking.objects.filter(comparison__project=project).delete()
        Assignment.objects.filter(comparison__project=project).delete()
        Comparison.objects.filter(project=project).delete()
        project.delete()
        SampleRequest.objects.filter(pk__in=[*linked, *run.requests]).delete()
        for version in reversed(run.made):
            if version.role == ModelVersion.Role.REWARD:
                version.reward_scores.all().delete()
            if not SampleRequest.objects.filter(model_version=version).exists():
                Completion.objects.filter(model_version=version).delete()
                version.delete()
    for user in run.trainers:
        try:
            with transaction.atomic():
                user.delete()
        except ProtectedError:
            pass  # it also works in a project that was kept
    shutil.rmtree(run.folder, ignore_errors=True)
