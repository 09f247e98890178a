"""A real browser against a real server, and a sampler worker in a thread."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from accounts.models import User
from labeling import projects
from labeling.models import Assignment, Project
from sampler.engines import fake
from tests import makers
from tests.journeys.server import Server
from tests.sampler.conftest import serving
from tests.workers import free_port

expect.set_options(timeout=40_000)  # a page of a slow machine is slow too
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


@pytest.fixture(scope="package")
def _server(django_db_setup: None) -> Iterator[Server]:
    server = Server(free_port())
    yield server
    server.stop()


@pytest.fixture
def live(_server: Server, transactional_db: None) -> Iterator[Server]:
    """The running server, on the database that this test fills and that is emptied after it."""
    if _server.process is None:
        _server.start()
    yield _server
    _server.let_requests_end()


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


@dataclass
class Visits:
    """`visit(user, **context options)`: signed in, in a context of its own that reports script errors."""

    browser: Browser
    server: Server
    client: Client
    contexts: list[BrowserContext] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __call__(self, user: User, **options: object) -> Visitor:
        # The server keeps its own hashers; this suite's are quick ones.
        user.password = PBKDF2PasswordHasher().encode(makers.PASSWORD, "salt")
        user.save(update_fields=["password"])
        chosen: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}} | options
        context = self.browser.new_context(**chosen)
        context.set_default_timeout(40_000)
        self.contexts.append(context)
        self.client.force_login(user)
        cookie = self.client.cookies["sessionid"]
        context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": self.server.url, "httpOnly": True}])
        page = context.new_page()
        watch(page, self.problems)
        return Visitor(context, page, self.server.url)


def watch(page: Page, problems: list[str]) -> None:
    """Collect errors of scripts and complaints of the Content Security Policy."""

    def said(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            problems.append(message.text)

    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", said)


@pytest.fixture
def visit(browser: Browser, live: Server, client: Client) -> Iterator[Visits]:
    visits = Visits(browser, live, client)
    yield visits
    for context in visits.contexts:
        context.close()
    assert not visits.problems, visits.problems


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


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Once it is set, a model that writes slowly writes the rest at once."""
    event = threading.Event()

    class Clock:
        @staticmethod
        def sleep(seconds: float) -> None:
            if event.is_set():
                time.sleep(min(seconds, 0.002))
            else:
                event.wait(seconds)

    monkeypatch.setattr(fake, "time", Clock)
    return event


@pytest.fixture
def slow(transactional_db: None, go_on: threading.Event) -> Iterator[Project]:
    """Writes until it is told to `go_on`, so that a slow machine too reloads before the end."""
    with talking("delay=0.1&tokens=400") as project:
        yield project


@pytest.fixture
def writer(chatty: Project, visit: Visits, live: Server) -> Visitor:
    """Somebody signed in who may write in the project whose model answers."""
    return visit(makers.make_member(chatty, "alice"))


@pytest.fixture
def task(live: Server, project: Project, alice: User) -> Assignment:
    comparison = makers.make_comparison(project, k=4, prompt="The first question?")
    makers.make_comparison(project, k=3, prompt="The second question?")
    return makers.make_lease(comparison, alice)
