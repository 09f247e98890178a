"""Spans of requests and tasks for OpenTelemetry, where its SDK is installed and its usual variables say where they go
(requirements-observing.txt, docs/operations.md). Routes, statuses and names of tasks; never a path, text or name."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_open: ContextVar[tuple[Span, Token[Context]] | None] = ContextVar("open_span", default=None)


def wanted() -> bool:
    """Whether an endpoint is named and nobody turned traces off."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    named = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return bool(named) and not off


def installed() -> bool:
    return all(
        importlib.util.find_spec(name) for name in ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter")
    )


class _State:
    """One process's tracer; begun at the first span, since a forked worker shares no thread with its parent."""

    on: bool | None = None


def _ready() -> bool:
    if _State.on is None:
        _State.on = wanted() and installed()
        if _State.on:
            _set_up()
    return _State.on


def _set_up() -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = Resource.create({} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "duologue"})
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def begin(name: str, carrier: Mapping[str, str]) -> None:
    """Begin a span under the trace that `carrier` brings (W3C traceparent); nothing where tracing is off."""
    if not _ready():
        return
    from opentelemetry import context, propagate, trace

    span = trace.get_tracer("duologue").start_span(name, context=propagate.extract(carrier), kind=trace.SpanKind.SERVER)
    _open.set((span, context.attach(trace.set_span_in_context(span))))


def end(*, name: str = "", failed: bool = False, **values: str | int) -> None:
    """End what `begin` began here."""
    found = _open.get()
    if found is None:
        return
    from opentelemetry import context, trace

    span, token = found
    _open.set(None)
    context.detach(token)
    if name:
        span.update_name(name)
    for key, value in values.items():
        span.set_attribute(key.replace("__", "."), value)
    if failed:
        span.set_status(trace.StatusCode.ERROR)
    span.end()


def carried() -> dict[str, str]:
    """What a message takes along, so that the worker's span stands under this one."""
    carrier: dict[str, str] = {}
    if _ready():
        from opentelemetry import propagate

        propagate.inject(carrier)
    return carrier
