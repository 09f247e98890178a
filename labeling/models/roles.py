"""The roles that a member of a project can have. No table: `members.py` stores them."""

from django.db import models


class Role(models.TextChoices):
    GUEST = "guest", "Guest"  # chats and gives feedback only
    TRAINER = "trainer", "Trainer"
    REVIEWER = "reviewer", "Reviewer"
    MANAGER = "manager", "Manager"


RANKERS = (Role.TRAINER, Role.REVIEWER, Role.MANAGER)  # may judge; a guest may not
REVIEWERS = (Role.REVIEWER, Role.MANAGER)  # see the work of others and decide on it
