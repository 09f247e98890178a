"""The pool of openings. Writes: `labeling/projects.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Func, Value
from django.db.models.functions import Cast, Left, Replace

from labeling.models.projects import Project

# The words of a prompt, as the search finds it; very long ones by their beginning, since a vector has its limit. Line
# ends, which JSON writes as \\n, part words.
TEXTS = Func(
    "messages",
    function="jsonb_path_query_array",
    template="%(function)s(%(expressions)s, '$[*].content')",
    output_field=models.JSONField(),
)
PROMPT_WORDS = SearchVector(
    Left(Replace(Cast(TEXTS, models.TextField()), Value("\\n"), Value(" ")), 20_000), config="simple"
)


class Prompt(models.Model):
    """An opening for chats and comparisons, from the project's own pool."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompts")
    messages = models.JSONField(help_text='[{"role", "content"}, …]; the last is the user\'s.')
    source = models.CharField(max_length=120, blank=True)
    paraphrases = models.CharField(
        "group of paraphrases",
        max_length=80,
        blank=True,
        db_default="",
        help_text="Prompts with the same name here ask one thing in different words.",
    )
    harms = ArrayField(
        models.CharField(max_length=60),
        default=list,
        db_default=[],
        blank=True,
        help_text="Kinds of harm that the content filter warns of in its texts, worked out whenever a verdict comes.",
    )
    content_hash = models.CharField(max_length=64)
    prompt_key = models.CharField(max_length=64, help_text="SHA-256 of the normalised first user turn.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["project", "content_hash"], name="prompt_once_per_project")]
        indexes = [GinIndex(PROMPT_WORDS, name="prompt_words")]

    def __str__(self) -> str:
        return str(self.messages[-1]["content"])[:80] if self.messages else ""
