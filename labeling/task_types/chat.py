"""Talking with the model; a random turn of it is ranked later."""

from django.urls import reverse

from labeling.task_types.base import EVERYBODY, TaskType, a_round_is_open

TASK = TaskType(
    title="Chat with the model",
    about="Talk with the model and say which answers are good.",
    verb="Begin a chat",
    place=3,
    roles=EVERYBODY,
    begin=lambda project: reverse("start", args=[project.slug, "chat"]),
    ready=a_round_is_open,
    why_not="No round is open. The project's manager opens the next one.",
)
