"""A new project in one go: its preset, guidelines, first round, prompts, and its maker as manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.text import slugify

from labeling import projects
from labeling.models import Membership, Project
from managing.presets import Preset

if TYPE_CHECKING:
    from accounts.models import User
    from common.shapes import JsonObject
    from sampler.models import ModelVersion

LONGEST = 60  # characters of a project's short name


@transaction.atomic
def set_up(
    *,
    by: User,
    title: str,
    preset: Preset,
    models: Sequence[ModelVersion] = (),
    prompts: Sequence[str] = (),
    own_prompts: bool = False,
    params: JsonObject | None = None,
    guidelines: str = "",
    slug: str = "",
    settings: Mapping[str, object] | None = None,
) -> Project:
    """Make the project. `settings` go before those of the preset.

    Raises:
        Invalid: a setting is out of range, the short name is taken, or a model cannot be sampled from.
    """
    chosen = {**preset.settings, **(preset.with_prompts if prompts else {}), **(settings or {})}
    project = projects.create_project(
        slug=slug or free_slug(title), title=title, guidelines=guidelines, by=by, **chosen
    )
    projects.set_membership(project=project, user=by, role=Membership.Role.MANAGER, by=by)
    if models:
        mixture = [(version, 1.0, dict(params or {})) for version in models]
        projects.open_round(project=project, policies=mixture, note="First round")
    if prompts:
        add_prompts(project=project, texts=prompts, by=by if own_prompts else None)
    return project


def add_prompts(*, project: Project, texts: Sequence[str], by: User | None, source: str = "") -> int:
    """Put openings into the pool; how many were new. `by`: who wrote them, where it was one of us."""
    before = project.prompts.count()
    projects.add_prompts(
        project=project, prompts=[[{"role": "user", "content": text}] for text in texts], source=source, author=by
    )
    return project.prompts.count() - before


def free_slug(title: str) -> str:
    """A short name out of the title that no project has yet."""
    base = slugify(title)[: LONGEST - 4].strip("-") or "project"
    taken = set(Project.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    number = next(n for n in range(1, len(taken) + 2) if (base if n == 1 else f"{base}-{n}") not in taken)
    return base if number == 1 else f"{base}-{number}"
