"""An API client per person, by token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User


def client_of(user: User, *, scopes: list[str] | None = None) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(user=user, scopes=scopes)}")
    return client


@pytest.fixture(autouse=True)
def _fresh_rates() -> None:
    cache.clear()


@pytest.fixture
def api() -> Callable[..., APIClient]:
    return client_of
