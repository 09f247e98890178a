"""Shapes of what is agreed to before a task is given."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape
from labeling.agreements import GUIDELINES
from labeling.api.shapes.base import BIGGEST


class AgreementIn(Shape):
    what = serializers.ChoiceField([GUIDELINES])
    version = serializers.IntegerField(min_value=1, max_value=BIGGEST)


class OwedOut(Shape):
    what = serializers.CharField(help_text="`guidelines`: their text is in the project's own answer.")
    version = serializers.IntegerField(help_text="The one in force.")
    known = serializers.IntegerField(help_text="The one that you know; 0: none.")
