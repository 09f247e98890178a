"""Hidden items cannot be told from ordinary ones by what the server does for them, or by how long it takes."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from accounts import tokens
from accounts.models import User
from labeling.models import Assignment, Comparison, Project
from labeling.quality import hidden
from tests import makers
from tests.labeling.makers import make_original, settings_of

pytestmark = pytest.mark.django_db
WAYS = ("page", "api")
NOT_ASKED = re.compile("SAVEPOINT|^PREPARE ")  # the latter: once for each connection
Body = dict[str, object]


def shape(sql: str) -> str:
    """A statement without its values. Which comparison is claimed is the one question that must differ: ordinary
    ones are everybody's, hidden ones this trainer's."""
    sql = re.sub(r"'(?:[^']|'')*'(?:::\w+)?", "?", sql)
    sql = re.sub(r'"s\d+_x\d+"', "savepoint", sql)
    sql = re.sub(r"\b\d+(\.\d+)?\b", "?", sql)
    sql = re.sub(r"\bclaim_(?:normal|hidden)", "claim", sql)
    return re.sub(r"\((\?(, )?)+\)", "(?)", sql)


class Trainer:
    """Does one task, all of it, and notes what each step was answered with."""

    def __init__(self, project: Project, user: User, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.user, self.way = project, user, way
        self.coins: list[str] = []
        monkeypatch.setattr(hidden, "kind_to_try_first", lambda project: self.coins.pop() if self.coins else "normal")
        self.client = Client()
        if way == "page":
            self.client.force_login(user)
        else:
            self.client = Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})

    def prepare(self, *, is_hidden: bool) -> None:
        """Both kinds are there to be given; the next one will be of this kind."""
        Assignment.objects.filter(trainer=self.user, state="leased").delete()  # the page hands out the next at once
        hidden.keep_hidden()
        while Comparison.objects.filter(state="open", only_for=None).count() < 3:
            makers.make_comparison(self.project)
        self.coins = ["calibration" if is_hidden else "normal"]

    def send(self, method: str, address: str, body: Body | None = None) -> int:
        if self.way == "page" or method == "GET":
            answer = self.client.get(address) if method == "GET" else self.client.post(address, body or {})
            return answer.status_code
        return self.client.generic(method, address, json.dumps(body or {}), "application/json").status_code

    def steps(self) -> list[tuple[str, float, int]]:
        """(step, seconds, status) from the lease to the submitted ranking."""
        done: list[tuple[str, float, int]] = []

        def timed(name: str, method: str, address: str, body: Body | None = None) -> None:
            began = time.perf_counter()
            status = self.send(method, address, body)
            done.append((name, time.perf_counter() - began, status))

        if self.way == "api":
            timed("lease", "POST", f"/api/v1/projects/{self.project.slug}/assignments/", {"task": "ranking"})
        else:
            timed("lease", "POST", reverse("next", args=[self.project.slug]))
        self.lease = lease = Assignment.objects.get(trainer=self.user, state="leased")
        if self.way == "api":
            base = f"/api/v1/assignments/{lease.pk}/"
            timed("read", "GET", base)
            timed("draft", "PATCH", f"{base}draft/", {"draft": {"note": "hm"}, "version": 0})
            timed("heartbeat", "POST", f"{base}heartbeat/", {"seconds": 5})
            groups = [[cid] for cid in lease.order_shown]
            timed("submit", "PUT", f"{base}ranking/", {"groups": groups, "seconds": 20})
        else:
            address = reverse("ranking", args=[lease.pk])
            timed("read", "GET", address)
            places = {f"place-{cid}": str(at) for at, cid in enumerate(lease.order_shown, start=1)}
            timed("submit", "POST", address, {**places, "seconds": "20"})
        return done


@pytest.fixture
def ready(project: Project, bob: User) -> Project:
    make_original(project, bob)
    settings_of(project, calibration_share=0.1)
    return project


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_every_step_of_a_hidden_task_asks_the_database_the_same_questions(
    ready: Project, alice: User, way: str, adaptive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_of(ready, adaptive_overlap=adaptive)
    trainer = Trainer(ready, alice, way, monkeypatch)
    asked = {}
    for is_hidden in (False, True, False, True):  # the first two warm what is kept in memory
        trainer.prepare(is_hidden=is_hidden)
        with CaptureQueriesContext(connection) as queries:
            steps = trainer.steps()
        assert {status for _, _, status in steps} <= {200, 201, 302}, steps
        assert trainer.lease.comparison.kind == ("calibration" if is_hidden else "normal")
        assert not Assignment.objects.filter(state="leased", pk=trainer.lease.pk).exists()
        asked[is_hidden] = [shape(query["sql"]) for query in queries if not NOT_ASKED.search(query["sql"])]
    assert asked[True] == asked[False]


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
def test_how_long_a_task_takes_does_not_tell_whether_it_is_hidden(
    ready: Project, alice: User, way: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A permutation test on 150 tasks of each kind in random order, for each step."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": []}
    trainer, rng = Trainer(ready, alice, way, monkeypatch), np.random.default_rng(7)
    kinds = rng.permutation(np.repeat([True, False], 150))
    times: dict[str, list[float]] = {}
    for is_hidden in kinds:
        trainer.prepare(is_hidden=bool(is_hidden))
        for name, seconds, status in trainer.steps():
            assert status in (200, 201, 302)
            times.setdefault(name, []).append(1000 * seconds)
    for name, values in times.items():
        spent = np.array(values)[20:]  # the first ones warm everything up
        kind = kinds[20:]
        gap = np.median(spent[kind]) - np.median(spent[~kind])
        shuffled = [
            np.median(spent[order]) - np.median(spent[~order]) for order in (rng.permutation(kind) for _ in range(2000))
        ]
        p = float((np.abs(shuffled) >= abs(gap)).mean())
        print(f"\n{way} {name}: {np.median(spent[~kind]):.2f} ms ordinary, {gap:+.2f} ms hidden, p = {p:.3f}")
        assert p > 0.001 or abs(gap) < 0.05 * np.median(spent), (name, gap, p)
