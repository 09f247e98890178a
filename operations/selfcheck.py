"""The whole loop, once, through the services that run: web server, broker, default worker, beat, sampler.

What a trainer does goes over HTTP; this process only sets up a throw-away project, asks for the export and
reads what came of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from common.shapes import JsonLike
from exports import runs
from exports.models import ExportRun
from labeling.models import Comparison, TurnDraw
from operations import tracing
from operations.api_client import CheckFailed, Client, wait_for
from operations.check_project import CheckProject, make, remove
from operations.tracing import AssignmentBody, DialogueBody, Readiness
from sampler import status
from sampler.models import ModelVersion

MESSAGES = ("Name three things that one finds in a kitchen.", "And which of them is the most useful?")
# Answers of a check are short, so a real model's are cut: they count here.
EXPORTED: dict[str, JsonLike] = {"configs": ["preferences", "rankings"], "include_truncated": True}
Say = Callable[[str], None]


class SelfCheck:
    def __init__(self, *, url: str, model: str, say: Say, patience: float) -> None:
        self.url, self.model, self.say, self.patience = url, model, say, patience
        self.project: CheckProject | None = None
        self.dialogue: DialogueBody | None = None
        self.assignment: AssignmentBody | None = None
        self.groups: list[list[str]] = []
        self.run_row: ExportRun | None = None

    def run(self) -> None:
        """Every step, cleaned up after whatever happens.

        Raises:
            CheckFailed: a step did not do what it should.
        """
        began = time.monotonic()
        try:
            for title, work in (
                ("the web server is ready", self._ready),
                ("a throw-away project", self._project),
                ("a chat with two answers of the model", self._chat),
                ("the chat submitted, a random turn drawn", self._submit),
                ("four completions sampled", self._sampled),
                ("a ranking with a tie", self._rank),
                ("an export by the default worker", self._export),
                ("every pair traced to its origin", self._trace),
            ):
                with self._timed(title):
                    work()
        finally:
            if self.project is not None:
                with self._timed("cleaned up"):
                    remove(self.project)
        self.say(f"all is well after {time.monotonic() - began:.1f} s")

    @contextmanager
    def _timed(self, title: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except Exception:
            self.say(f"  {title:<44}FAILED after {time.monotonic() - began:.1f} s")
            raise
        self.say(f"  {title:<44}{time.monotonic() - began:6.1f} s")

    def _made(self) -> CheckProject:
        assert self.project is not None
        return self.project

    def _lease(self) -> AssignmentBody:
        assert self.assignment is not None
        return self.assignment

    def _client(self, name: str) -> Client:
        return Client(self.url, self._made().tokens[name])

    def _ready(self) -> None:
        body = Client(self.url).call("GET", "/readyz", Readiness, expect=(200, 503))
        bad = [f"{name} {check['detail']}" for name, check in body["checks"].items() if not check["ok"]]
        if bad:
            raise CheckFailed(f"The services are not ready: {'; '.join(bad)}.")

    def _project(self) -> None:
        slug = self.model
        if not slug:
            loaded = sorted({slug for one in status.workers() for slug in one.get("loaded", {})})
            policies = ModelVersion.objects.filter(slug__in=loaded, role=ModelVersion.Role.POLICY)
            slug = next((version.slug for version in policies.order_by("slug")), "")
        version = ModelVersion.objects.filter(slug=slug).first()
        if version is None:
            raise CheckFailed(f"There is no model version {slug!r}." if slug else "No sampler has loaded a model.")
        self.project = make(version=version)

    def _chat(self) -> None:
        client, slug = self._client("chats"), self._made().project.slug
        dialogue = client.call("POST", f"/api/v1/projects/{slug}/dialogues/", DialogueBody, {"kind": "chat"})
        path = f"/api/v1/dialogues/{dialogue['id']}/"
        for count, text in enumerate(MESSAGES, start=1):
            client.call("POST", f"{path}turns/", dict, {"role": "user", "text": text})
            look = partial(self._answered, client, path, count)
            self.dialogue = wait_for("the model's answer", look, seconds=self.patience)

    def _answered(self, client: Client, path: str, count: int) -> DialogueBody | None:
        body = client.call("GET", path, DialogueBody)
        reply = body["reply"]
        if reply and reply["state"] in {"failed", "cancelled"}:
            raise CheckFailed(f"The model's answer {reply['state']}: {reply['error']}")
        answers = [turn for turn in body["turns"] if turn["by_model"]]
        return body if len(answers) == count else None

    def _submit(self) -> None:
        assert self.dialogue is not None
        self._client("chats").call("POST", f"/api/v1/dialogues/{self.dialogue['id']}/submit/", dict, {})
        draw = TurnDraw.objects.filter(dialogue=UUID(self.dialogue["id"])).first()
        if draw is None or len(draw.drawn) != 1 or draw.drawn[0] not in draw.eligible:
            raise CheckFailed("The submitted chat has no draw of one of its turns.")

    def _sampled(self) -> None:
        project = self._made().project
        client, path = self._client("ranks"), f"/api/v1/projects/{project.slug}/assignments/"

        def lease() -> AssignmentBody | None:
            gone = Comparison.objects.filter(project=project, state=Comparison.State.DISCARDED).first()
            if gone:
                raise CheckFailed(f"The comparison was discarded: {gone.discard_reason}")
            return client.call_or_none("POST", path, AssignmentBody, {"task": "ranking"}, expect=(200, 201, 204))

        self.assignment = wait_for("a comparison to rank", lease, seconds=self.patience, every=0.5)
        found = len(self._lease()["comparison"]["completions"])
        if found != 4:
            raise CheckFailed(f"The comparison has {found} completions and not 4.")

    def _rank(self) -> None:
        assignment = self._lease()
        ids = [completion["id"] for completion in assignment["comparison"]["completions"]]
        self.groups = [[ids[0]], [ids[1], ids[2]], [ids[3]]]
        ratings = dict(zip(ids, (6, 4, 4, 2), strict=True))
        client, path = self._client("ranks"), f"/api/v1/assignments/{assignment['id']}/ranking/"
        body: JsonLike = {"groups": self.groups, "ratings": ratings, "flags": {}, "note": "", "not_rankable": None}
        client.call("PUT", path, dict, body, expect=(201,))
        client.call("PUT", path, dict, body, expect=(200,))  # the same again is not a second vote

    def _export(self) -> None:
        run = runs.request(
            project=self._made().project,
            trigger=ExportRun.Trigger.API,
            options=EXPORTED,
        )

        def finished() -> ExportRun | None:
            run.refresh_from_db()
            if run.state == ExportRun.State.FAILED:
                raise CheckFailed(f"The export failed: {run.error}")
            return run if run.state == ExportRun.State.FINISHED else None

        self.run_row = wait_for("the export", finished, seconds=self.patience)

    def _trace(self) -> None:
        assert self.run_row is not None
        assert self.dialogue is not None
        tracing.trace(self._made(), self.run_row, self.dialogue, self._lease(), self.groups)
