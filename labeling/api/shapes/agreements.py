"""Shapes of what is agreed to before a task is given."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape
from labeling.agreements import EVERY
from labeling.api.shapes.base import BIGGEST


class AgreementIn(Shape):
    what = serializers.ChoiceField(EVERY)
    version = serializers.IntegerField(min_value=1, max_value=BIGGEST)


class OwedOut(Shape):
    what = serializers.CharField(
        help_text="`return` (whoever withdrew: what they write counts again), `notice` (guests: what is kept of "
        "what they write), `terms`, `warning` or `guidelines`."
    )
    version = serializers.IntegerField(help_text="The one in force.")
    known = serializers.IntegerField(help_text="The one that you know; 0: none.")
    text = serializers.CharField(help_text="Markdown, of the version in force.")
