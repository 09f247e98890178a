"""A real browser against a real server: uvicorn on the test database, and a sampler worker in a thread.

pytest-django's live server is WSGI and cannot stream, so the application runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from labeling import projects
from labeling.models import Project
from tests import makers
from tests.sampler.conftest import serving

BASE_DIR = Path(__file__).resolve().parents[2]
expect.set_options(timeout=15_000)
ARGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update",
        "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="package")
def playwright_(django_db_setup: None) -> Iterator[Playwright]:
    """Only for this package: its synchronous interface keeps an event loop running in this thread, which
    Django mistakes for async code and other tests could not stand."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        yield playwright
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def browser(playwright_: Playwright) -> Iterator[Browser]:
    path = os.environ.get("DUOLOGUE_CHROMIUM") or ("/usr/bin/chromium" if Path("/usr/bin/chromium").exists() else None)
    browser = playwright_.chromium.launch(executable_path=path, args=ARGS)
    yield browser
    browser.close()


def database_url() -> str:
    """The test database's address, as the server's environment takes it."""
    parts = connection.settings_dict
    user = quote(str(parts["USER"] or "postgres"))
    password = f":{quote(str(parts['PASSWORD']))}" if parts["PASSWORD"] else ""
    host, port = str(parts["HOST"] or ""), str(parts["PORT"] or "")
    if host.startswith("/"):
        return f"postgresql://{user}{password}@/{parts['NAME']}?host={quote(host)}" + (f"&port={port}" if port else "")
    return f"postgresql://{user}{password}@{host or 'localhost'}{':' + port if port else ''}/{parts['NAME']}"


def wait_for(check: Callable[[], Any], *, seconds: float = 15.0) -> Any:
    """The first true value of `check()`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := check():
            return value
        time.sleep(0.05)
    raise AssertionError("did not happen in time")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """The application under test; can be stopped and started again on the same port."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        env = os.environ | {
            "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "DUOLOGUE_LOG_LEVEL": "WARNING",
            "PYTHONWARNINGS": "ignore", "SECRET_KEY": settings.SECRET_KEY,
        }  # fmt: skip
        env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(self.port),
                   "--log-level", "warning", "--timeout-graceful-shutdown", "1"]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=BASE_DIR, env=env)
        until = time.monotonic() + 40
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}/static/css/duologue.css", timeout=2)
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("the server under test did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.process = None


@pytest.fixture(scope="package")
def _server(django_db_setup: None) -> Iterator[Server]:
    server = Server(free_port())
    yield server
    server.stop()


@pytest.fixture
def live(_server: Server, transactional_db: None) -> Server:
    """The running server, on the database that this test fills and that is emptied after it."""
    if _server.process is None:
        _server.start()
    return _server


@dataclass
class Visitor:
    """A browser context of one person."""

    context: BrowserContext
    page: Page
    url: str

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.url + path)
        return self.page

    def another_tab(self, path: str) -> Page:
        page = self.context.new_page()
        page.goto(self.url + path)
        return page


@pytest.fixture
def visit(browser: Browser, live: Server, client: Client) -> Iterator[Callable[..., Visitor]]:
    """`visit(user, **context options)`: signed in, in a context of its own that reports script errors."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def make(user, **options) -> Visitor:
        # The server keeps its own hashers; this suite's are quick ones.
        user.password = PBKDF2PasswordHasher().encode(makers.PASSWORD, "salt")
        user.save(update_fields=["password"])
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        context.set_default_timeout(15_000)
        contexts.append(context)
        client.force_login(user)
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live.url, "httpOnly": True}])
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None,
        )
        return Visitor(context, page, live.url)

    yield make
    for context in contexts:
        context.close()
    assert not problems, problems


@contextlib.contextmanager
def talking(location: str) -> Iterator[Project]:
    """A project whose model, `parrot`, writes as its location says, with a worker behind it."""
    project = makers.make_project("demo", with_round=False)
    version = makers.make_model("parrot", location=location, weights_hash="")
    projects.open_round(project=project, policies=[(version, 1.0, {})])
    with serving("parrot"):
        yield project


@pytest.fixture
def chatty(transactional_db: None) -> Iterator[Project]:
    """Writes slowly enough to be watched."""
    with talking("delay=0.02&tokens=30") as project:
        yield project
