"""Lines of the log name the person; spans and errors leave where that is asked for, and no text with them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from gzip import decompress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from common.environment import SettingError
from common.serving import error_reports, request_id, tracing

BASE = Path(__file__).resolve().parents[2]


@pytest.mark.django_db
def test_a_line_that_is_written_during_a_request_names_who_asked(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def tells(*args: object, **kwargs: object) -> HttpResponse:
        logging.getLogger("duologue.test").warning("looked")
        return HttpResponse("seen")

    caplog.handler.addFilter(request_id.Filter())
    monkeypatch.setattr("labeling.views.records.render", tells)
    client.force_login(alice)
    assert client.get("/history/").content == b"seen"
    named = [getattr(record, "user_id", None) for record in caplog.records if record.message == "looked"]
    assert named == [alice.pk]
    assert request_id.user_now() is None


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A server that takes whatever is sent to it: its address, and what came."""
    came: list[tuple[str, bytes]] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Takes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", came
    server.shutdown()
    thread.join()
    server.server_close()


def run(code: str, **environment: str) -> str:
    """What a process of its own prints, since a tracer is set up once for each."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SPANS = """
import asyncio
from common.serving import tracing
from common.serving.access import Access

async def application(scope, receive, send):
    scope["state"]["duologue"]["route"] = "dialogues/<uuid:pk>/"
    print("carried", tracing.carried())
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})

async def one():
    trace = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    scope = {"type": "http", "method": "GET", "path": "/dialogues/secret-path/", "headers": [(b"traceparent", trace)],
             "client": None}
    async def nothing(message=None): ...
    await Access(application)(scope, nothing, nothing)

asyncio.run(one())
if tracing.carried() or tracing._State.on:
    from opentelemetry import trace
    trace.get_tracer_provider().force_flush()
"""


def test_spans_leave_where_an_endpoint_is_named(collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    address, came = collector
    printed = run(SPANS, OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert f"00-{'a' * 32}-" in printed  # the trace that the client began goes on to the worker
    ((path, sent),) = came
    assert path == "/v1/traces"
    assert b"GET dialogues/<uuid:pk>/" in sent
    assert bytes.fromhex("aa" * 16) in sent
    assert b"duologue" in sent
    assert b"secret-path" not in sent


@pytest.mark.parametrize("off", [{}, {"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_no_span_is_made_where_nobody_asks(off: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing._State, "on", None)
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9" if off else "")
    for name, value in off.items():
        monkeypatch.setenv(name, value)
    tracing.begin("request", {})
    assert tracing.carried() == {}
    tracing.end()


def test_without_the_package_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing._State, "on", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not tracing._ready()


ERROR = """
import django
django.setup()
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
from operations import health
def broken(): raise RuntimeError("unmistakable words")
health.report = broken
Client(raise_request_exception=False).get("/readyz?secret=query")
import sentry_sdk
sentry_sdk.flush(5)
"""


@pytest.mark.slow
def test_errors_are_reported_without_any_text(collector: tuple[str, list[tuple[str, bytes]]]) -> None:
    address, came = collector
    dsn = address.replace("http://", "http://key@") + "/7"
    run(ERROR, SENTRY_DSN=dsn, DJANGO_SETTINGS_MODULE="config.settings")
    bodies = [decompress(body) if body.startswith(b"\x1f\x8b") else body for _, body in came]
    events = [json.loads(line) for body in bodies for line in body.splitlines() if b'"exception"' in line]
    assert [value["type"] for event in events for value in event["exception"]["values"]] == ["RuntimeError"]
    assert all("request_id" in event["tags"] for event in events)
    assert not any(word in b"".join(bodies) for word in (b"unmistakable words", b"secret=query"))


def test_reports_are_off_by_default_and_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    assert not error_reports.start()
    monkeypatch.setenv("SENTRY_DSN", "http://key@127.0.0.1:9/7")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SettingError, match="pip install -r requirements-observing"):
        error_reports.start()
