"""Talking with the model; a random turn of it is ranked later."""

from django.urls import reverse
from django.utils.translation import gettext_noop

from labeling.task_types.base import EVERYBODY, TaskType, a_round_is_open

TASK = TaskType(
    title=gettext_noop("Chat with the model"),
    about=gettext_noop("Talk with the model and say which answers are good."),
    verb=gettext_noop("Begin a chat"),
    place=3,
    roles=EVERYBODY,
    begin=lambda project: reverse("start", args=[project.slug, "chat"]),
    ready=a_round_is_open,
    why_not=gettext_noop("No round is open. The project's manager opens the next one."),
)
