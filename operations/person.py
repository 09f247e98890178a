"""Everything that is kept of one person, for who asks what we know about them. Reads only; taking it out is
`labeling/withdrawal.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from django.db.models import Model, QuerySet

from accounts.models import ApiToken, AuditEntry, User
from common.shapes import Json, JsonObject
from labeling.models import (
    Acknowledgement,
    Assignment,
    Dialogue,
    KeptAcceptance,
    Membership,
    Prompt,
    Ranking,
    RedTeamAttempt,
    Review,
    TermsAcceptance,
    Turn,
    TurnFeedback,
)
from moderation.models import VerdictFeedback

ACCOUNT = (
    "username",
    "first_name",
    "last_name",
    "email",
    "date_joined",
    "last_login",
    "is_active",
    "languages",
    "opted_out_of",
)


def of(user: User) -> JsonObject:
    """By kind; each row with its times and texts, without what belongs to others."""
    turns = Turn.objects.filter(dialogue__author=user).order_by("dialogue", "position")
    return {
        "account": _row(user, ACCOUNT),
        "tokens": _rows(ApiToken.objects.filter(user=user), ("name", "prefix", "created_at", "last_used_at")),
        "memberships": _rows(
            Membership.objects.filter(user=user).select_related("project"),
            ("project.slug", "role", "ended_at", "withdrawn_at", "returned_at"),
        ),
        "guidelines_acknowledged": _rows(
            Acknowledgement.objects.filter(user=user).select_related("version__project"),
            ("version.project.slug", "version.number", "at"),
        ),
        "terms_accepted": _rows(
            TermsAcceptance.objects.filter(user=user).select_related("version__project"),
            ("version.project.slug", "version.number", "version.text", "accepted_at"),
        ),
        "notices_accepted": _rows(
            KeptAcceptance.objects.filter(user=user).select_related("project"),
            ("project.slug", "number", "accepted_at"),
        ),
        "dialogues": _rows(
            Dialogue.objects.filter(author=user).select_related("project"),
            ("id", "project.slug", "kind", "state", "created_at", "submitted_at", "undone_at", "seconds", "composer"),
        ),
        "turns": _rows(turns, ("dialogue_id", "position", "role", "text", "created_at", "edited_at", "seconds")),
        "red_team": _rows(
            RedTeamAttempt.objects.filter(dialogue__author=user).select_related("dialogue__rule"),
            ("dialogue_id", "dialogue.rule.name", "outcome", "turn_id", "strategies", "how", "severity", "saved_at"),
        ),
        "rankings": _rows(
            Ranking.objects.filter(trainer=user).select_related("comparison__project"),
            ("id", "comparison_id", "comparison.project.slug", "groups", "ratings", "flags", "note", "not_rankable",
             "criteria", "spans", "submitted_at", "undone_at", "seconds", "label_weight"),
        ),
        "assignments": _rows(
            Assignment.objects.filter(trainer=user),
            ("comparison_id", "state", "draft", "skip_reason", "created_at", "ended_at", "seconds"),
        ),
        "feedback": _rows(
            TurnFeedback.objects.filter(user=user),
            ("turn_id", "thumb_up", "reasons", "comment", "ideal_answer", "created_at"),
        ),
        "marks": _rows(
            VerdictFeedback.objects.filter(user=user), ("verdict_id", "harmful", "category", "comment", "created_at")
        ),
        "reviews_by": _rows(
            Review.objects.filter(reviewer=user), ("ranking_id", "dialogue_id", "decision", "comment", "created_at")
        ),
        "reviews_of": _rows(
            Review.objects.filter(dialogue__author=user) | Review.objects.filter(ranking__trainer=user),
            ("ranking_id", "dialogue_id", "decision", "finding", "comment", "grade", "created_at"),
        ),
        "prompts": _rows(Prompt.objects.filter(author=user), ("messages", "created_at")),
        "audit": _rows(
            AuditEntry.objects.filter(actor=user), ("at", "action", "object_type", "object_id", "address")
        ),
    }  # fmt: skip


def _rows(rows: QuerySet[Model] | Iterable[Model], names: tuple[str, ...]) -> Json:
    return [_row(row, names) for row in rows]


def _row(row: Model, names: tuple[str, ...]) -> Json:
    return {name.replace(".", "_"): _plain(_value(row, name)) for name in names}


def _value(row: object, name: str) -> object:
    for part in name.split("."):
        row = getattr(row, part)
    return row


def _plain(value: object) -> Json:
    """Times and ids as text; what is JSON already as it is."""
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return cast(Json, value)
    return str(value)
