"""One trainer: takes up task after task through the API and the pages, sends again what was not acknowledged, and
writes into the ledger what was."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx

from benchmarks.browsing import letters_of, places
from benchmarks.soak.ledger import (
    API_DEMONSTRATION,
    API_RANKING,
    CHAT,
    PAGE_DEMONSTRATION,
    PAGE_RANKING,
    Answer,
    Ledger,
)
from benchmarks.soak.site import PROJECT, Account

API = "/api/v1"
GIVE_UP = 240.0  # seconds after which a write that nobody acknowledges is noted as such
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
VERSION = re.compile(r'name="draft_version" value="(\d+)"')
Body = Mapping[str, object]


class GivenUp(Exception):
    """A write was not acknowledged in time."""


@dataclass
class Trainer:
    account: Account
    url: str
    ledger: Ledger
    until: float
    pause: float

    def __post_init__(self) -> None:
        self.random = random.Random(self.account.name)
        limits = httpx.Limits(max_connections=2)
        headers = {"Authorization": f"Bearer {self.account.token}"}
        self.api = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=40, limits=limits, trust_env=False)
        cookies = {"sessionid": self.account.session}
        self.pages = httpx.AsyncClient(base_url=self.url, cookies=cookies, timeout=40, limits=limits, trust_env=False)

    async def work(self) -> None:
        tasks: list[Callable[[], Awaitable[None]]] = [
            self.rank, self.rank, self.rank_on_pages, self.rank_on_pages, self.chat, self.demonstrate,
            self.demonstrate_on_pages, self.look_around,
        ]  # fmt: skip
        async with self.api, self.pages:
            while time.monotonic() < self.until:
                await asyncio.sleep(self.random.uniform(0.2, 2 * self.pause))
                try:
                    await self.random.choice(tasks)()
                except GivenUp as error:
                    self.ledger.given_up.append(f"{self.account.name}: {error}")

    async def send(
        self, client: httpx.AsyncClient, method: str, path: str, *, body: Body | None = None, form: Body | None = None
    ) -> httpx.Response:
        """Until it is answered with anything but 5xx. The same key goes along each time, so it is done once."""
        headers = {"Idempotency-Key": uuid.UUID(int=self.random.getrandbits(128)).hex}
        began, kind = time.monotonic(), f"{method} {re.sub(r'[0-9a-f-]{36}', 'ID', path)}"
        while True:
            at = time.monotonic()
            try:
                answer = await client.request(method, path, json=body, data=form, headers=headers)
            except httpx.HTTPError:
                self.ledger.answers.append(Answer(at, time.monotonic(), 0, kind))
            else:
                said = answer.text[:300] if answer.status_code >= 500 else ""
                number = answer.headers.get("x-request-id", "")
                self.ledger.answers.append(Answer(at, time.monotonic(), answer.status_code, kind, number, said))
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            if time.monotonic() - began > GIVE_UP:
                raise GivenUp(f"{method} {path}")
            await asyncio.sleep(self.random.uniform(0.5, 2.0))

    # -- through the API --------------------------------------------------------------------------

    async def rank(self) -> None:
        answer = await self.send(self.api, "POST", f"{API}/projects/{PROJECT}/assignments/", body={"task": "ranking"})
        if answer.status_code not in (200, 201):
            return
        lease = answer.json()
        groups = self.order([one["id"] for one in lease["comparison"]["completions"]])
        path = f"{API}/assignments/{lease['id']}"
        await self.send(self.api, "PATCH", f"{path}/draft/", body={"draft": {"groups": groups}, "version": None})
        await asyncio.sleep(self.random.uniform(0, self.pause))
        answer = await self.send(self.api, "PUT", f"{path}/ranking/", body={"groups": groups, "note": "soak"})
        if answer.status_code in (200, 201):
            self.ledger.rankings[lease["id"]] = groups
            self.ledger.done[API_RANKING] += 1

    def order(self, ids: list[str]) -> list[list[str]]:
        self.random.shuffle(ids)
        tie = self.random.random() < 0.3
        return [ids[:2], *[[one] for one in ids[2:]]] if tie else [[one] for one in ids]

    async def begin(self, kind: str) -> str:
        answer = await self.send(self.api, "POST", f"{API}/projects/{PROJECT}/dialogues/", body={"kind": kind})
        return str(answer.json()["id"]) if answer.status_code == 201 else ""

    async def chat(self) -> None:
        if not (pk := await self.begin("chat")):
            return
        path = f"{API}/dialogues/{pk}"
        text = f"What is {self.random.randrange(10**6)}?"
        await self.send(self.api, "POST", f"{path}/turns/", body={"role": "user", "text": text})
        for _ in range(60):
            await asyncio.sleep(1)
            body = (await self.send(self.api, "GET", f"{path}/")).json()
            if any(turn["by_model"] for turn in body["turns"]):
                await self.submit(pk, CHAT)
                return
            if body["reply"] and body["reply"]["state"] in ("failed", "cancelled"):
                return
        self.ledger.given_up.append(f"{self.account.name}: no reply in {path}")

    async def demonstrate(self) -> None:
        if not (pk := await self.begin("demonstration")):
            return
        for role in ("user", "assistant"):
            text = f"{role} {self.random.randrange(10**9)}"
            await self.send(self.api, "POST", f"{API}/dialogues/{pk}/turns/", body={"role": role, "text": text})
            await asyncio.sleep(self.random.uniform(0, self.pause))
        await self.submit(pk, API_DEMONSTRATION)

    async def submit(self, pk: str, way: str) -> None:
        answer = await self.send(self.api, "POST", f"{API}/dialogues/{pk}/submit/", body={})
        if answer.status_code == 200:
            self.ledger.dialogues[pk] = [(turn["role"], turn["text"]) for turn in answer.json()["turns"]]
            self.ledger.done[way] += 1

    # -- through the pages ------------------------------------------------------------------------

    async def post(self, path: str, page: httpx.Response, **fields: object) -> httpx.Response:
        """A form of `page`, sent; where the answer leads to."""
        found = CSRF.search(page.text)
        form = {"csrfmiddlewaretoken": found.group(1) if found else "", **fields}
        answer = await self.send(self.pages, "POST", path, form=form)
        if answer.status_code == 302:
            return await self.send(self.pages, "GET", answer.headers["Location"])
        return answer

    async def rank_on_pages(self) -> None:
        home = await self.send(self.pages, "GET", "/")
        page = await self.post(f"/projects/{PROJECT}/rank/", home)
        lease = re.search(r"/ranking/([0-9a-f-]{36})/", str(page.url))
        version = VERSION.search(page.text)
        if lease is None or version is None:  # nothing is left to rank
            return
        letters = letters_of(page.text)
        ids = list(letters)
        groups = self.order(list(ids))
        await asyncio.sleep(self.random.uniform(0, self.pause))
        found = CSRF.search(page.text)
        form = {"csrfmiddlewaretoken": found.group(1) if found else "", "draft_version": version.group(1)}
        answer = await self.send(self.pages, "POST", f"/ranking/{lease.group(1)}/", form=form | places(letters, groups))
        if answer.status_code == 302:
            self.ledger.rankings[lease.group(1)] = [sorted(group, key=ids.index) for group in groups]
            self.ledger.done[PAGE_RANKING] += 1

    async def demonstrate_on_pages(self) -> None:
        home = await self.send(self.pages, "GET", "/")
        page = await self.post(f"/projects/{PROJECT}/start/demonstration/", home)
        found = re.search(r"/dialogues/([0-9a-f-]{36})/", str(page.url))
        if found is None:
            return
        path, turns = f"/dialogues/{found.group(1)}/", []
        for role in ("user", "assistant"):
            turns.append((role, f"{role} {self.random.randrange(10**9)}"))
            version = VERSION.search(page.text)
            page = await self.post(
                f"{path}turns/", page, role=role, text=turns[-1][1], draft_version=version.group(1) if version else ""
            )
            page = await self.send(self.pages, "GET", path)
        await self.post(f"{path}submit/", page)
        stored = (await self.send(self.api, "GET", f"{API}/dialogues/{found.group(1)}/")).json()
        if stored["state"] == "submitted":  # what stands is what counts: a page that was sent twice says so itself
            self.ledger.dialogues[found.group(1)] = turns
            self.ledger.done[PAGE_DEMONSTRATION] += 1

    async def look_around(self) -> None:
        for path in ("/", "/history/", f"/projects/{PROJECT}/guidelines/"):
            await self.send(self.pages, "GET", path)
