"""Errors to Sentry, or to what speaks its language: off unless SENTRY_DSN is set. No text that anybody wrote leaves: no
bodies, no values of variables, no names or addresses of people."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from common import environment
from common.serving import request_id

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint


def start() -> bool:
    """Whether errors are reported from now on.

    Raises:
        SettingError: they should be, and the package is not installed.
    """
    address = environment.secret("SENTRY_DSN")
    if not address:
        return False
    if importlib.util.find_spec("sentry_sdk") is None:
        raise environment.SettingError(
            "SENTRY_DSN is set and sentry-sdk is not there: pip install -r requirements-observing.txt."
        )
    import sentry_sdk

    sentry_sdk.init(
        dsn=address,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0.0,
        before_send=reduced,
    )
    return True


def reduced(event: Event, hint: Hint) -> Event:
    """The event with the number of its request, and without what may hold text: the request itself, and the words of
    errors, which may repeat what was sent."""
    event.pop("request", None)
    event.pop("extra", None)
    event.pop("logentry", None)
    event.pop("server_name", None)
    for value in (event.get("exception") or {}).get("values", []):
        value.pop("value", None)
    event["tags"] = {"request_id": request_id.current.get()}
    return event
