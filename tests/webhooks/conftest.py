"""A receiver that listens, and a webhook of the project that calls it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.models import User
from labeling.models import Project
from tests.api.conftest import _fresh_rates, api
from tests.webhooks.receiver import Receiver
from webhooks import subscriptions
from webhooks.models import Event, Subscription

__all__ = ["_fresh_rates", "api"]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def webhook(receiver: Receiver, project: Project, mona: User) -> Subscription:
    return subscriptions.subscribe(project=project, url=receiver.url, events=Event.values, by=mona)
