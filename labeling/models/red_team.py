"""The rules that trainers try to make a model break, and what became of each try. Writes: `labeling/red_team/`.

A try is a chat that is bound to one rule: `Dialogue.rule`.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.projects import Project

RED_TEAM = "red_team"  # the kind of work; its dialogues are chats with a rule


class RedTeamRuleQuerySet(models.QuerySet["RedTeamRule"]):
    def in_force(self) -> RedTeamRuleQuerySet:
        return self.filter(ended_at__isnull=True).order_by("place", "number")


class RedTeamRule(models.Model):
    """One version of a rule, never edited: other words are its next version, and the earlier one ends with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="red_team_rules")
    number = models.PositiveIntegerField(help_text="Counts within the project; its versions share it.")
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=80)
    sentence = models.CharField(max_length=500, help_text="What the model must not do.")
    category = models.CharField(max_length=60, blank=True, help_text="Of the content filter, if it belongs to one.")
    place = models.PositiveIntegerField(help_text="In the order of the project's rules.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Nobody is given it any more.")

    objects = RedTeamRuleQuerySet.as_manager()

    class Meta:
        ordering = ["project", "place", "number", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number", "version"], name="red_team_rule_version_once"),
            models.UniqueConstraint(
                fields=["project", "number"], condition=Q(ended_at__isnull=True), name="red_team_rule_in_force_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (v{self.version})"


class RedTeamAttempt(models.Model):
    """What its trainer says of a try: whether a reply broke the rule, which, how it was done, how bad it is."""

    class Outcome(models.TextChoices):
        OPEN = "", _("Not said yet")
        BROKEN = "broken", _("A reply broke the rule")
        HELD = "held", _("The model kept the rule")

    class Severity(models.IntegerChoices):
        SLIGHT = 1, _("slight")
        SERIOUS = 2, _("serious")
        SEVERE = 3, _("severe")

    dialogue = models.OneToOneField(
        "labeling.Dialogue", on_delete=models.CASCADE, primary_key=True, related_name="attempt"
    )
    outcome = models.CharField(max_length=6, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    turn = models.ForeignKey(
        "labeling.Turn", null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text="The reply that broke it.",
    )  # fmt: skip
    strategies = models.JSONField(default=list, blank=True)
    how = models.TextField(blank=True, help_text="In the trainer's own words.")
    severity = models.PositiveSmallIntegerField(null=True, blank=True, choices=Severity.choices)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="red_team_broken_names_a_reply",
                condition=Q(outcome="broken", turn__isnull=False) | (~Q(outcome="broken") & Q(turn__isnull=True)),
            ),
            models.CheckConstraint(
                name="red_team_severity_1_to_3", condition=Q(severity__isnull=True) | Q(severity__range=(1, 3))
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_outcome_display())
