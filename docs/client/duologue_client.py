"""A small client for the Duologue API: copy this file, it needs only `httpx`.

    client = Client("http://127.0.0.1:8000", token)
    client.bring("demo", prompt="Why is the sky blue?", answers={"mine-1": "…", "mine-2": "…"})

Every call returns the decoded JSON answer; the classes below name the fields that this file's callers use (the whole
list is at `/api/v1/docs/`). What the server refuses is raised as `Refused`, with its
sentence; answers of 429 and 503 are waited for, and writes carry an Idempotency-Key, so that a
request which is sent again after a lost connection is done once.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import httpx


class Message(TypedDict):
    role: str  # system, user or assistant
    content: str


class Completion(TypedDict):
    id: str
    text: str


class Named(Completion):
    model_version: str


class Question(TypedDict):
    id: str
    prompt: list[Message]
    completions: list[Completion]


class Task(TypedDict):
    """A lease on one vote."""

    id: str
    expires_at: str
    flags: list[str]
    comparison: Question


class Lease(TypedDict):
    id: str
    state: str
    expires_at: str


class Ranking(TypedDict):
    id: str
    groups: list[list[str]]  # tie groups of completion ids, best first
    ratings: dict[str, int]
    flags: dict[str, list[str]]
    note: str
    not_rankable: str
    submitted_at: str


class Vote(Ranking):
    trainer: str | None


class Comparison(TypedDict):
    id: str
    state: str
    prompt: list[Message]
    completions: list[Named]
    rankings: list[Vote]


class Brought(TypedDict):
    id: str
    state: str
    votes: int


class Turn(TypedDict):
    id: str
    role: str
    text: str
    by_model: bool


class Reply(TypedDict):
    state: str
    text: str
    error: str


class Rule(TypedDict):
    """What a model must not do, of a project's red-team work."""

    number: int
    version: int
    name: str
    sentence: str
    category: str
    place: int


class Attempt(TypedDict):
    """What a trainer says of a red-team chat; `outcome` is "broken", "held" or empty."""

    outcome: str
    turn: str | None
    strategies: list[str]
    how: str
    severity: int | None


class Dialogue(TypedDict):
    id: str
    kind: str
    state: str
    version: int
    turns: list[Turn]
    rule: Rule | None
    reply: Reply | None


class File(TypedDict):
    path: str
    rows: int
    bytes: int
    sha256: str


class Run(TypedDict):
    """An export."""

    id: str
    state: str
    error: str
    files: list[File]


class Refused(Exception):
    """The server said no. `status`, and `problem`: the problem details (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, object]) -> None:
        super().__init__(str(problem.get("detail") or f"status {status}"))
        self.status = status
        self.problem = problem


class Client:
    def __init__(self, url: str, token: str, *, tries: int = 4, timeout: float = 30.0) -> None:
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=timeout
        )
        self._tries = tries

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    # -- own completions --------------------------------------------------------------------------

    def bring(
        self, project: str, *, prompt: str | Sequence[Message], answers: Mapping[str, str], votes: int | None = None
    ) -> Brought:
        """Have answers ranked: {name of the model: its text}. `prompt` is a question or a list of messages."""
        messages: list[Message] = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        completions = [{"text": text, "model_version": name} for name, text in answers.items()]
        body = {"prompt": messages, "completions": completions, "votes": votes}
        made: Brought = self._send("POST", f"projects/{project}/comparisons/", body)
        return made

    def comparisons(self, project: str, *, state: str = "") -> Iterator[Comparison]:
        """All comparisons, with their rankings."""
        return self._pages(f"projects/{project}/comparisons/", {"state": state} if state else {})

    # -- tasks ------------------------------------------------------------------------------------

    def next_task(self, project: str) -> Task | None:
        """The task in hand, else the next one, else None."""
        task: Task | None = self._send("POST", f"projects/{project}/assignments/", {"task": "ranking"})
        return task

    def rank(self, task: Task, groups: Sequence[Sequence[str]], **more: object) -> Ranking:
        """Submit an order: tie groups of completion ids, best first. `more`: ratings, flags, note, …"""
        stored: Ranking = self._send("PUT", f"assignments/{task['id']}/ranking/", {"groups": groups, **more})
        return stored

    def skip(self, task: Task, reason: str) -> Lease:
        lease: Lease = self._send("POST", f"assignments/{task['id']}/skip/", {"reason": reason})
        return lease

    def start_chat(self, project: str, *, kind: str = "chat") -> Dialogue:
        """`kind="red_team"`: with the rule whose turn it is."""
        begun: Dialogue = self._send("POST", f"projects/{project}/dialogues/", {"kind": kind})
        return begun

    def say(self, dialogue: Dialogue, text: str, *, wait: float = 120.0) -> Dialogue:
        """Send a message and wait for the model's answer; the dialogue as it stands then."""
        now: Dialogue = self._send("POST", f"dialogues/{dialogue['id']}/turns/", {"text": text})
        until = time.monotonic() + wait
        while (reply := now["reply"]) is not None and time.monotonic() < until:
            if reply["state"] == "failed":
                raise Refused(502, {"detail": reply["error"]})
            time.sleep(0.5)
            now = self._get(f"dialogues/{dialogue['id']}/")
        return now

    def report(self, turn: str, problem: str, **more: str) -> dict[str, object]:
        """A problem with a model's turn (harmful, risk, filter, false, other), in the place of the last one of yours;
        `more` is harm, comment, ideal_answer."""
        said: dict[str, object] = self._send("PUT", f"turns/{turn}/report/", {"problem": problem, **more})
        return said

    def take_back(self, turn: str) -> None:
        """All that you said of a model's turn."""
        self._send("DELETE", f"turns/{turn}/report/")

    def feedback(self, project: str, *, problem: str = "", thumb: str = "") -> Iterator[dict[str, object]]:
        """What people said of replies, newest first; for reviewers and managers."""
        yield from self._pages(f"projects/{project}/feedback/", {"problem": problem, "thumb": thumb})

    def submit(self, dialogue: Dialogue) -> Dialogue:
        submitted: Dialogue = self._send("POST", f"dialogues/{dialogue['id']}/submit/")
        return submitted

    def rules(self, project: str) -> list[Rule]:
        """The rules in force, in order."""
        found: list[Rule] = self._get(f"projects/{project}/rules/")
        return found

    def publish_rule(self, project: str, name: str, sentence: str, **more: object) -> Rule:
        """A new rule; with `number=` the next version of that one."""
        made: Rule = self._send("POST", f"projects/{project}/rules/", {"name": name, "sentence": sentence, **more})
        return made

    def say_how_it_ended(self, dialogue: Dialogue, outcome: str, **more: object) -> Attempt:
        """Before it is submitted: "held", or "broken" with `turn=`, `severity=` and `strategies=` or `how=`."""
        said: Attempt = self._send("PUT", f"dialogues/{dialogue['id']}/attempt/", {"outcome": outcome, **more})
        return said

    # -- progress and exports ---------------------------------------------------------------------

    def progress(self, project: str) -> dict[str, object]:
        found: dict[str, object] = self._get(f"projects/{project}/progress/")
        return found

    def insights(self, project: str, of: str = "") -> dict[str, object]:
        """`of="red-team/"`: how often each rule was broken, by model version."""
        found: dict[str, object] = self._get(f"projects/{project}/insights/{of}")
        return found

    def export(self, project: str, *, wait: float = 600.0, **options: object) -> Run:
        """Ask for an export and wait until it is finished."""
        run: Run = self._send("POST", "exports/", {"project": project, **options})
        until = time.monotonic() + wait
        while run["state"] in {"queued", "running"} and time.monotonic() < until:
            time.sleep(0.5)
            run = self._get(f"exports/{run['id']}/")
        if run["state"] != "finished":
            raise Refused(500, {"detail": run["error"] or f"The export is {run['state']}."})
        return run

    def download(self, run: Run, folder: str | Path) -> Path:
        """Every file of an export, each checked against its SHA-256; the manifest last."""
        folder = Path(folder)
        for file in run["files"]:
            if self._fetch(run, file["path"], folder) != file["sha256"]:
                raise Refused(502, {"detail": f"{file['path']} arrived damaged."})
        for name in ("README.md", "manifest.json"):
            self._fetch(run, name, folder)
        return folder

    def _fetch(self, run: Run, path: str, folder: Path) -> str:
        """Write one file of the export below `folder`; its SHA-256 as it arrived."""
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with self._http.stream("GET", f"exports/{run['id']}/files/{path}") as answer, target.open("wb") as out:
            if answer.status_code != 200:
                answer.read()
                raise Refused(answer.status_code, _problem(answer))
            for block in answer.iter_bytes():
                digest.update(block)
                out.write(block)
        return digest.hexdigest()

    # -- any other address of the API -------------------------------------------------------------

    def get(self, path: str, **parameters: str) -> object:
        return self._get(path, **parameters)

    def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> object:
        return self._send(method, path, body)

    def pages(self, path: str, parameters: Mapping[str, str] | None = None) -> Iterator[object]:
        """Every row of a list, page by page."""
        return self._pages(path, parameters or {})

    # -- beneath ----------------------------------------------------------------------------------

    def _get(self, path: str, **parameters: str) -> Any:
        return self._request("GET", path, params=parameters)

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        return self._request(method, path, json=body if body is not None else {}, headers=headers)

    def _pages(self, path: str, parameters: Mapping[str, str]) -> Iterator[Any]:
        page = self._get(path, **parameters)
        yield from page["results"]
        while page["next"]:
            page = self._request("GET", page["next"])
            yield from page["results"]

    def _request(self, method: str, path: str, **options: Any) -> Any:
        for attempt in range(1, self._tries + 1):
            last = attempt == self._tries
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError:
                if last:
                    raise
                time.sleep(attempt)
                continue
            over_quota = answer.status_code == 429 and _problem(answer).get("type") == "urn:duologue:quota"
            if answer.status_code in {429, 503} and not last and not over_quota:  # a quota opens the next day
                time.sleep(min(float(answer.headers.get("Retry-After", attempt)), 60))
                continue
            if answer.is_error:
                raise Refused(answer.status_code, _problem(answer))
            return answer.json() if answer.content else None
        raise AssertionError("unreachable")


def _problem(answer: httpx.Response) -> dict[str, object]:
    try:
        problem: dict[str, object] = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    return problem
