"""Writing both sides of a dialogue."""

from django.db.models import Value
from django.urls import reverse

from labeling.task_types.base import RANKERS, TaskType

TASK = TaskType(
    title="Write a demonstration",
    about="Write both sides of a dialogue, with the model's suggestions at hand.",
    verb="Begin a dialogue",
    place=2,
    roles=RANKERS,
    begin=lambda project: reverse("start", args=[project.slug, "demonstration"]),
    ready=lambda user: Value(True),
)
