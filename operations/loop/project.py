"""The project of a run of `demo_loop`, with its simulated trainers and its folder; and their removal."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone

from accounts.models import User
from common.shapes import Json
from labeling import projects
from labeling.models import AiVerdict, Assignment, Comparison, Membership, Project, Ranking
from labeling.text import split_of
from operations import demo
from operations.loop import stages
from operations.loop.rule import Rule
from operations.loop.topics import HELD_OUT_OF_FORTY, prompts_of
from sampler.models import Completion, ModelVersion, SampleRequest

TRAINERS = 3
GUIDELINES = """# Simulated trainers

Nobody judges here: the accounts `sim-1` to `sim-{trainers}` are programs that rank by a rule, with mistakes: {rule}.
"""


class LoopError(Exception):
    """The run cannot go on; the message is a sentence for the operator."""


@dataclass
class LoopProject:
    project: Project
    trainers: list[User]
    authors: list[User]  # one for each topic
    folder: Path


@transaction.atomic
def build(*, topics: Sequence[str], questions: int, completions: int, max_tokens: int, rule: Rule) -> LoopProject:
    """A project of its own with so many questions about each topic, a quarter of the topics held out.

    Raises:
        LoopError: somebody has a simulated trainer's name.
    """
    slug = f"loop-{timezone.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    authors = [_account(f"sim-topic-{number:02}", "topic", topic) for number, topic in enumerate(topics, start=1)]
    held_out = max(1, round(len(topics) * HELD_OUT_OF_FORTY / 40))
    project = projects.create_project(
        slug=slug,
        title=f"Loop demonstration {slug.removeprefix('loop-')} (simulated trainers)",
        description="Made by demo_loop. Its rankings come from a rule, not from people.",
        guidelines=GUIDELINES.format(trainers=TRAINERS, rule=rule.words),
        task_types=["ranking"],
        throwaway=True,
        completions_per_comparison=completions,
        max_tokens=max_tokens,
        keep_truncated=False,
        stock_target=len(topics) * questions,
        test_share=held_out / len(topics),
        split_by=Project.SplitBy.AUTHOR,  # each topic has an account of its own: topics are held out whole
        split_salt=salt_for([author.pk for author in authors], held_out),
        overlap_share=0.0,
        licence="cc0-1.0",
    )
    for topic, author in zip(topics, authors, strict=True):
        prompts = prompts_of(topic, questions)
        projects.add_prompts(project=project, prompts=prompts, source="Duologue demo", author=author)
    trainers = [_trainer(project, number) for number in range(1, TRAINERS + 1)]
    folder = Path(settings.MODEL_ROOT) / slug
    folder.mkdir(parents=True)
    return LoopProject(project, trainers, authors, folder)


def find(slug: str) -> LoopProject:
    """The project of a run that was begun before.

    Raises:
        LoopError: there is none of that name.
    """
    project = Project.objects.filter(slug=slug, slug__startswith="loop-").first()
    folder = Path(settings.MODEL_ROOT) / slug
    if project is None or not folder.is_dir():
        raise LoopError(f"There is no run {slug!r} to go on with.")
    users = User.objects.filter(username__startswith="sim-").order_by("username")
    authors = [user for user in users if user.username.startswith("sim-topic-")]
    trainers = [user for user in users if user not in authors]
    return LoopProject(project, trainers, authors, folder)


def salt_for(authors: Sequence[int], held_out: int) -> str:
    """The first salt that holds out so many of these authors' topics, so that few topics need no luck."""
    keys = [hashlib.sha256(f"author:{author}".encode()).hexdigest() for author in authors]
    share = held_out / len(authors)
    for number in count(1):
        salt = f"demo-loop-{number}"
        if sum(split_of(salt=salt, key=key, test_share=share) == "test" for key in keys) == held_out:
            return salt
    raise AssertionError("count() does not end")


def _trainer(project: Project, number: int) -> User:
    user = _account(f"sim-{number}", "trainer", str(number))
    projects.set_membership(project=project, user=user, role=Membership.Role.TRAINER)
    return user


def _account(name: str, kind: str, what: str) -> User:
    """An account that nobody can sign in with."""
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User.objects.create_user(name, first_name="Simulated", last_name=f"{kind} {what}"[:150])
        user.set_unusable_password()
        user.save(update_fields=["password"])
    elif user.has_usable_password():
        raise LoopError(f"There is a person called {name}: demo_loop needs that name.")
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


def keep(run: LoopProject) -> None:
    """The project stays, as one among others: from now on insights and nightly exports count it in."""
    Project.objects.filter(pk=run.project.pk).update(throwaway=False)


def remove(run: LoopProject) -> None:
    """Take away all that this run made; what others made with its model versions, if anything, stays with them."""
    project = run.project
    with transaction.atomic():
        asked = Comparison.objects.filter(project=project).values("requests__request")
        judged = AiVerdict.objects.filter(judgement__judge__project=project).values("request")
        linked = list(SampleRequest.objects.filter(Q(pk__in=asked) | Q(pk__in=judged)).values_list("pk", flat=True))
        Ranking.objects.filter(comparison__project=project).delete()
        Assignment.objects.filter(comparison__project=project).delete()
        Comparison.objects.filter(project=project).delete()
        project.delete()
        SampleRequest.objects.filter(pk__in=[*linked, *_requests(run)]).delete()
        for version in ModelVersion.objects.filter(slug__startswith=f"{project.slug}-").order_by("-created_at"):
            if version.role == ModelVersion.Role.REWARD:
                version.reward_scores.all().delete()
            if not SampleRequest.objects.filter(model_version=version).exists():
                Completion.objects.filter(model_version=version).delete()
                version.delete()
    for user in [*run.trainers, *run.authors]:
        try:
            with transaction.atomic():
                user.delete()
        except ProtectedError:
            pass  # it also works in a project that was kept
    shutil.rmtree(run.folder, ignore_errors=True)


def _requests(run: LoopProject) -> list[str]:
    """Those outside of comparisons: the run noted them."""
    if not (run.folder / stages.FILE).exists():
        return []
    notes = stages.Stages.of(run.folder).notes
    return [str(one) for name, found in notes.items() if name.startswith("requests") for one in _listed(found)]


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
