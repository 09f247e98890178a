"""Who signs in: people, their API tokens, what they are told, and the append-only audit log.

What a person may do in a project is a `labeling.Membership`, not a flag here; memberships also open the
admin site (`config/admin_site.py`). `is_superuser` marks an operator.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. `id` stays internal: exports carry a keyed pseudonym, never this key or the name."""

    languages = ArrayField(
        models.CharField(max_length=35),
        default=list,
        db_default=[],
        blank=True,
        help_text="In which the person works; empty: in all.",
    )

    opted_out_of = ArrayField(
        models.CharField(max_length=60),
        default=list,
        db_default=[],
        blank=True,
        help_text="Kinds of harm, as the content filter names them, that the person does not want to meet.",
    )

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class ApiToken(models.Model):
    """A bearer token; only its SHA-256 is stored, the token itself is printed once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, blank=True)
    prefix = models.CharField(max_length=12, help_text="First characters, to recognise a token by.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list, blank=True, help_text="Empty: everything its owner may do.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.user})"


class AuditEntry(models.Model):
    """Who did what to which object, when. Ids and field names only, never text, so that a
    withdrawal is complete; a database trigger refuses UPDATE and DELETE."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="audit_entries",
    )
    action = models.CharField(max_length=60, db_index=True)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    project_id = models.UUIDField(null=True, blank=True, db_index=True)
    fields = models.JSONField(default=list, blank=True, help_text="Names of the fields that changed.")
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.object_type} {self.object_id}"


class IdempotentReply(models.Model):
    """The reply to a write that carried an Idempotency-Key, kept for a day and given again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64, help_text="Of method, address and body.")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "idempotent replies"
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user")]

    def __str__(self) -> str:
        return f"{self.key} ({self.status})"


class NoticeKind(models.TextChoices):
    """What people are told of."""

    RETURNED = "returned", _("A reviewer sent work of mine back")
    INVITED = "invited", _("I was added to a project")
    ANSWERED = "answered", _("A question of mine was answered")
    GUIDELINES = "guidelines", _("New guidelines")
    GOAL = "goal", _("I reached the day’s goal")
    EXPORT_FAILED = "export_failed", _("An export failed (for managers)")


class NoticeChoices(models.Model):
    """What a person does not want to be told, on pages and by e-mail, and the language of their e-mails."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="notice_choices"
    )
    not_shown = ArrayField(models.CharField(max_length=15), default=list, blank=True)
    not_mailed = ArrayField(models.CharField(max_length=15), default=list, blank=True)
    language = models.CharField(max_length=10, blank=True, default="", help_text="As of the last choice or sign-in.")

    class Meta:
        verbose_name_plural = "notice choices"

    def __str__(self) -> str:
        return f"choices of {self.user_id}"


class NoticeMail(models.Model):
    """One e-mail with all that a person had not read by then: the outbox and its log."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"  # to be sent at `next_try_at`
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"  # not taken in time; `last_error` says why

    TRANSITIONS = {
        State.PENDING: frozenset({State.SENT, State.FAILED}),
        State.SENT: frozenset(),
        State.FAILED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_mails")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    claimed_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(state="pending"), name="notice_mail_one_pending"),
            models.CheckConstraint(
                name="notice_mail_sent_has_time", condition=~Q(state="sent") | Q(sent_at__isnull=False)
            ),
        ]
        indexes = [models.Index(fields=["next_try_at"], name="notice_mail_due", condition=Q(state="pending"))]

    def __str__(self) -> str:
        return f"mail to {self.user_id} ({self.state})"


class Notice(models.Model):
    """Something that happened, for one person. Of whose project and where it leads; never anybody's words."""

    Kind = NoticeKind

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="notices")
    kind = models.CharField(max_length=15, choices=NoticeKind.choices)
    key = models.CharField(max_length=120, help_text="What happened: nobody is told twice of the same.")
    project_id = models.UUIDField(null=True, blank=True)
    subject = models.CharField(max_length=200, help_text="The project's title.")
    address = models.CharField(max_length=300, help_text="Where it leads, on this site.")
    shown = models.BooleanField(default=True, help_text="On pages.")
    mailed = models.BooleanField(default=False, help_text="By e-mail, unless it is read before.")
    mail = models.ForeignKey(
        NoticeMail, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="notices"
    )
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notice_once_per_person")]
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_unread", condition=Q(read_at=None, shown=True)),
            models.Index(fields=["user"], name="notice_to_mail", condition=Q(read_at=None, mailed=True, mail=None)),
            models.Index(fields=["mail"], name="notice_of_mail", condition=Q(mail__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"
