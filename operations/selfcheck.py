"""The whole loop, once, through the services that run: web server, broker, default worker, beat, sampler.

What a trainer does goes over HTTP; this process only sets up a throw-away project, asks for the export and
reads what came of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from exports import runs, storage
from exports.models import ExportRun
from labeling.models import Comparison, Turn, TurnDraw
from operations.api_client import CheckFailed, Client, wait_for
from operations.check_project import CheckProject, make, remove
from sampler import status
from sampler.models import ModelVersion

MESSAGES = ("Name three things that one finds in a kitchen.", "And which of them is the most useful?")
Say = Callable[[str], None]


class SelfCheck:
    def __init__(self, *, url: str, model: str, say: Say, patience: float) -> None:
        self.url, self.model, self.say, self.patience = url, model, say, patience
        self.thing: CheckProject | None = None
        self.dialogue: dict[str, Any] = {}
        self.assignment: dict[str, Any] = {}
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
            if self.thing is not None:
                with self._timed("cleaned up"):
                    remove(self.thing)
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

    def _client(self, name: str) -> Client:
        assert self.thing is not None
        return Client(self.url, self.thing.tokens[name])

    def _ready(self) -> None:
        body = Client(self.url).call("GET", "/readyz", expect=(200, 503))
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
        self.thing = make(version=version)

    def _chat(self) -> None:
        assert self.thing is not None
        client = self._client("chats")
        self.dialogue = client.call("POST", f"/api/v1/projects/{self.thing.project.slug}/dialogues/", {"kind": "chat"})
        path = f"/api/v1/dialogues/{self.dialogue['id']}/"
        for count, text in enumerate(MESSAGES, start=1):
            client.call("POST", f"{path}turns/", {"role": "user", "text": text})
            look = partial(self._answered, client, path, count)
            self.dialogue = wait_for("the model's answer", look, seconds=self.patience)

    def _answered(self, client: Client, path: str, count: int) -> dict[str, Any] | None:
        body = client.call("GET", path)
        reply = body["reply"]
        if reply and reply["state"] in {"failed", "cancelled"}:
            raise CheckFailed(f"The model's answer {reply['state']}: {reply['error']}")
        answers = [turn for turn in body["turns"] if turn["by_model"]]
        return body if len(answers) == count else None

    def _submit(self) -> None:
        self._client("chats").call("POST", f"/api/v1/dialogues/{self.dialogue['id']}/submit/", {})
        draw = TurnDraw.objects.filter(dialogue=self.dialogue["id"]).first()
        if draw is None or len(draw.drawn) != 1 or draw.drawn[0] not in draw.eligible:
            raise CheckFailed("The submitted chat has no draw of one of its turns.")

    def _sampled(self) -> None:
        assert self.thing is not None
        project = self.thing.project
        client, path = self._client("ranks"), f"/api/v1/projects/{project.slug}/assignments/"

        def lease() -> dict[str, Any] | None:
            gone = Comparison.objects.filter(project=project, state=Comparison.State.DISCARDED).first()
            if gone:
                raise CheckFailed(f"The comparison was discarded: {gone.discard_reason}")
            return client.call("POST", path, {"task": "ranking"}, expect=(200, 201, 204))

        self.assignment = wait_for("a comparison to rank", lease, seconds=self.patience, every=0.5)
        found = len(self.assignment["comparison"]["completions"])
        if found != 4:
            raise CheckFailed(f"The comparison has {found} completions and not 4.")

    def _rank(self) -> None:
        ids = [completion["id"] for completion in self.assignment["comparison"]["completions"]]
        self.groups = [[ids[0]], [ids[1], ids[2]], [ids[3]]]
        ratings = dict(zip(ids, (6, 4, 4, 2), strict=True))
        client, path = self._client("ranks"), f"/api/v1/assignments/{self.assignment['id']}/ranking/"
        body = {"groups": self.groups, "ratings": ratings, "flags": {}, "note": "", "not_rankable": None}
        client.call("PUT", path, body, expect=(201,))
        client.call("PUT", path, body, expect=(200,))  # the same again is no second vote

    def _export(self) -> None:
        assert self.thing is not None
        run = runs.request(
            project=self.thing.project,
            trigger=ExportRun.Trigger.API,
            options={"configs": ["preferences", "rankings"]},
        )

        def finished() -> ExportRun | None:
            run.refresh_from_db()
            if run.state == ExportRun.State.FAILED:
                raise CheckFailed(f"The export failed: {run.error}")
            return run if run.state == ExportRun.State.FINISHED else None

        self.run_row = wait_for("the export", finished, seconds=self.patience)

    def _trace(self) -> None:
        assert self.thing is not None
        pairs, rankings = self._rows("preferences"), self._rows("rankings")
        if len(rankings) != 1 or len(pairs) != 5:  # six pairs of four, less the tie
            raise CheckFailed(
                f"One ranking with a tie gave {len(rankings)} rankings and {len(pairs)} pairs, not 1 and 5."
            )
        comparison = Comparison.objects.get(pk=self.assignment["comparison"]["id"])
        turn = Turn.objects.get(pk=comparison.turn_id or self.dialogue["id"])
        place = {cid: at for at, group in enumerate(self.groups) for cid in group}
        names = {user.username for user in self.thing.users.values()}
        for pair in pairs:
            facts = {
                "ranking": pair["ranking_id"] == rankings[0]["id"],
                "comparison": pair["prompt_id"] == str(comparison.pk),
                "dialogue": pair["dialogue_id"] == self.dialogue["id"] == str(turn.dialogue_id),
                "turn": pair["turn_id"] == str(turn.pk),
                "round": pair["round"] == 1,
                "order": place[pair["chosen_completion_id"]] < place[pair["rejected_completion_id"]],
                "model version": all(pair[f"{side}_model_version"] for side in ("chosen", "rejected")),
                "pseudonym": bool(pair["annotator_id"]) and not any(name in json.dumps(pair) for name in names),
            }
            if wrong := [name for name, holds in facts.items() if not holds]:
                raise CheckFailed(f"The exported pair {pair['id']} does not lead back to its {wrong[0]}.")

    def _rows(self, config: str) -> list[dict[str, Any]]:
        assert self.run_row is not None
        rows: list[dict[str, Any]] = []
        for file in (self.run_row.manifest or {}).get("files", []):
            if file["path"].startswith(f"{config}/"):
                with storage.open_file(self.run_row.path, file["path"]) as lines:
                    rows += [json.loads(line) for line in lines]
        return rows
