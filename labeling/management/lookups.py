"""What commands are given by name, as rows; a name that is not there ends the command with a sentence."""

from __future__ import annotations

from django.core.management.base import CommandError

from common.listed import listed
from labeling.models import Project
from sampler.models import ModelVersion


def project_named(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        there = listed(Project.objects.order_by("slug").values_list("slug", flat=True))
        raise CommandError(f"There is no project {slug!r}. There are: {there}.")
    return project


def model_version_named(slug: str) -> ModelVersion:
    version = ModelVersion.objects.filter(slug=slug).first()
    if version is None:
        there = listed(ModelVersion.objects.order_by("slug").values_list("slug", flat=True))
        raise CommandError(f"There is no model version {slug!r}; register_model makes one. There are: {there}.")
    return version
