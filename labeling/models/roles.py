"""The roles that a member of a project can have. No table: `members.py` stores them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    GUEST = "guest", _("Guest")  # chats and gives feedback only
    TRAINER = "trainer", _("Trainer")
    REVIEWER = "reviewer", _("Reviewer")
    MANAGER = "manager", _("Manager")


RANKERS = (Role.TRAINER, Role.REVIEWER, Role.MANAGER)  # may judge; a guest may not
REVIEWERS = (Role.REVIEWER, Role.MANAGER)  # see the work of others and decide on it
