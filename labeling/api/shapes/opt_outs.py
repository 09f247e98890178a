"""What is said of kinds of harm over the API."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape


class OptOutsIn(Shape):
    harms = serializers.ListField(child=serializers.CharField(max_length=60), max_length=100)


class OptOutsOut(Shape):
    harms = serializers.ListField(child=serializers.CharField(), help_text="That you do not want to meet.")
    offered = serializers.ListField(child=serializers.CharField(), help_text="That the filters here know.")
