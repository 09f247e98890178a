"""A small client for the Duologue API: copy this file, it needs only `httpx`.

    client = Client("http://127.0.0.1:8000", token)
    client.bring("demo", prompt="Why is the sky blue?", answers={"mine-1": "…", "mine-2": "…"})

Every call returns the decoded JSON answer. What the server refuses is raised as `Refused`, with its
sentence; answers of 429 and 503 are waited for, and writes carry an Idempotency-Key, so that a
request which is sent again after a lost connection is done once.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

Json = dict[str, Any]


class Refused(Exception):
    """The server said no. `status`, and `problem`: the problem details (RFC 9457)."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(problem.get("detail") or f"status {status}")
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
        self, project: str, *, prompt: str | Sequence[Json], answers: Mapping[str, str], votes: int | None = None
    ) -> Json:
        """Have answers ranked: {name of the model: its text}. `prompt` is a question or a list of messages."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        completions = [{"text": text, "model_version": name} for name, text in answers.items()]
        body: Json = {"prompt": messages, "completions": completions, "votes": votes}
        return self.send("POST", f"projects/{project}/comparisons/", body)

    def comparisons(self, project: str, *, state: str = "") -> Iterator[Json]:
        """All comparisons, with their rankings."""
        return self.pages(f"projects/{project}/comparisons/", {"state": state} if state else {})

    # -- ranking ----------------------------------------------------------------------------------

    def next_task(self, project: str) -> Json | None:
        """The task in hand, else the next one, else None."""
        return self.send("POST", f"projects/{project}/assignments/", {"task": "ranking"}) or None

    def rank(self, task: Json, groups: Sequence[Sequence[str]], **more: Any) -> Json:
        """Submit an order: tie groups of completion ids, best first. `more`: ratings, flags, note, …"""
        return self.send("PUT", f"assignments/{task['id']}/ranking/", {"groups": groups, **more})

    def skip(self, task: Json, reason: str) -> Json:
        return self.send("POST", f"assignments/{task['id']}/skip/", {"reason": reason})

    # -- chats ------------------------------------------------------------------------------------

    def start_chat(self, project: str) -> Json:
        return self.send("POST", f"projects/{project}/dialogues/", {"kind": "chat"})

    def say(self, dialogue: Json, text: str, *, wait: float = 120.0) -> Json:
        """Send a message and wait for the model's answer; the dialogue as it stands then."""
        now = self.send("POST", f"dialogues/{dialogue['id']}/turns/", {"text": text})
        until = time.monotonic() + wait
        while now["reply"] is not None and time.monotonic() < until:
            if now["reply"]["state"] == "failed":
                raise Refused(502, {"detail": now["reply"]["error"]})
            time.sleep(0.5)
            now = self.get(f"dialogues/{dialogue['id']}/")
        return now

    def submit(self, dialogue: Json) -> Json:
        return self.send("POST", f"dialogues/{dialogue['id']}/submit/")

    # -- progress and exports ---------------------------------------------------------------------

    def progress(self, project: str) -> Json:
        return self.get(f"projects/{project}/progress/")

    def insights(self, project: str) -> Json:
        return self.get(f"projects/{project}/insights/")

    def export(self, project: str, *, wait: float = 600.0, **options: Any) -> Json:
        """Ask for an export and wait until it is finished."""
        run = self.send("POST", "exports/", {"project": project, **options})
        until = time.monotonic() + wait
        while run["state"] in {"queued", "running"} and time.monotonic() < until:
            time.sleep(0.5)
            run = self.get(f"exports/{run['id']}/")
        if run["state"] != "finished":
            raise Refused(500, {"detail": run["error"] or f"The export is {run['state']}."})
        return run

    def download(self, run: Json, folder: str | Path) -> Path:
        """Every file of an export, each checked against its SHA-256; the manifest last."""
        folder = Path(folder)
        for file in [*run["files"], {"path": "README.md"}, {"path": "manifest.json"}]:
            target = folder / file["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            address = f"exports/{run['id']}/files/{file['path']}"
            with self._http.stream("GET", address) as answer, target.open("wb") as out:
                if answer.status_code != 200:
                    answer.read()
                    raise Refused(answer.status_code, _problem(answer))
                for block in answer.iter_bytes():
                    digest.update(block)
                    out.write(block)
            if digest.hexdigest() != file.get("sha256", digest.hexdigest()):
                raise Refused(502, {"detail": f"{file['path']} arrived damaged."})
        return folder

    # -- beneath ----------------------------------------------------------------------------------

    def get(self, path: str, **parameters: Any) -> Any:
        return self._request("GET", path, params=parameters)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        return self._request(method, path, json=body if body is not None else {}, headers=headers)

    def pages(self, path: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Json]:
        """Every row of a list, page by page."""
        page = self.get(path, **(parameters or {}))
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
            if answer.status_code in {429, 503} and not last:
                time.sleep(min(float(answer.headers.get("Retry-After", attempt)), 60))
                continue
            if answer.is_error:
                raise Refused(answer.status_code, _problem(answer))
            return answer.json() if answer.content else None
        raise AssertionError("unreachable")


def _problem(answer: httpx.Response) -> Json:
    try:
        problem: Json = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    return problem
