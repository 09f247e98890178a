"""How many messages a guest may send to the model on a day: a setting of the project, counted in UTC, so that nobody
gains a second day by another time zone. What the model failed to answer does not count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils import timezone

from labeling.errors import OverQuota
from labeling.models import Dialogue, Membership, Project, ReplyRequest
from sampler.models import SampleRequest

if TYPE_CHECKING:
    from accounts.models import User

TOLD_FROM = 10  # messages left, at most


@dataclass(frozen=True)
class Left:
    """What is left of a guest's day."""

    messages: int
    opens_at: datetime

    @property
    def is_told(self) -> bool:
        return self.messages <= TOLD_FROM


def left(project: Project, guest: User) -> Left | None:
    """None where the project sets no limit."""
    limit = project.guest_messages_per_day
    return _left(project.pk, guest.pk, limit) if limit else None


def require(dialogue: Dialogue) -> None:
    """In the transaction that sends a message, before the dialogue is locked: a guest's two tabs wait for each other at
    the membership, which a withdrawal locks before dialogues too.

    Raises:
        OverQuota: a guest has sent as many as the day allows.
    """
    members = Membership.objects.filter(
        project=dialogue.project_id, user=dialogue.author_id, role=Membership.Role.GUEST, ended_at__isnull=True
    )
    guest = members.select_for_update(of=("self",), no_key=True).select_related("project").first()
    if guest is None or not (limit := guest.project.guest_messages_per_day):
        return
    found = _left(guest.project_id, guest.user_id, limit)
    if not found.messages:
        raise OverQuota(limit=limit, opens_at=found.opens_at)


def _left(project_id: UUID, guest_id: int, limit: int) -> Left:
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    sent = ReplyRequest.objects.filter(
        dialogue__author=guest_id, dialogue__project=project_id, request__created_at__gte=today
    ).exclude(request__state=SampleRequest.State.FAILED)
    return Left(max(0, limit - sent.count()), today + timedelta(days=1))
