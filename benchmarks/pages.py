"""How long the trainer's pages take in a large project, and whether open streams slow the next task.

    python benchmarks/pages.py --comparisons 100000 --streams 200

Makes a database of its own beside the one of DATABASE_URL and drops it at the end. Starts uvicorn on it
and measures over HTTP: the ranking page (GET), submit-and-next (POST, which leases the next task), home
and history; then submit-and-next again beside N idle server-sent-event streams. Ratios are taken in one
run, so that a busy machine slows both sides alike.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg2

ROOT = Path(__file__).resolve().parent.parent
TEXT = "A sentence of ordinary length that a model might have written about some subject or other. " * 6


def fill(project: Any, *, count: int) -> None:
    """`count` open comparisons of four completions each: copies of one row by SQL, so that a column
    added later needs no change here."""
    from django.db import connection

    from labeling.models import Candidate, Comparison
    from sampler.models import Completion
    from tests import makers

    pattern = makers.make_comparison(project)
    candidate = pattern.candidates.first()

    def copy(model: Any, source: Any, **columns: str) -> str:
        names = [field.column for field in model._meta.concrete_fields]
        values = ", ".join(columns.get(name, f't."{name}"') for name in names)
        quoted = ", ".join(f'"{name}"' for name in names)
        return (
            f'INSERT INTO "{model._meta.db_table}" ({quoted}) '
            f"SELECT {values} FROM \"{model._meta.db_table}\" t CROSS JOIN bench b WHERE t.id = '{source.pk}'"
        )

    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TEMP TABLE bench AS SELECT n, i, gen_random_uuid() AS completion, md5(n::text)::uuid AS comparison
            FROM generate_series(1, %s) n CROSS JOIN generate_series(0, 3) i""",
            [count],
        )
        text = f"'{TEXT}' || md5((b.n * 4 + b.i)::text)"
        cursor.execute(copy(Completion, candidate.completion, id="b.completion", text=text))
        once = copy(Comparison, pattern, id="b.comparison", content_hash="''",
                    opened_at="t.opened_at - (b.n || ' milliseconds')::interval")  # fmt: skip
        cursor.execute(once + " AND b.i = 0")
        cursor.execute(copy(Candidate, candidate, id="gen_random_uuid()", comparison_id="b.comparison",
                            completion_id="b.completion", index="b.i"))  # fmt: skip
        cursor.execute("DROP TABLE bench")
        cursor.execute("ANALYZE")


class Trainer:
    """A signed-in client that ranks."""

    def __init__(self, url: str, session: str) -> None:
        self.http = httpx.Client(base_url=url, cookies={"sessionid": session}, timeout=30)
        self.token = ""
        self.html = ""

    def begin(self, slug: str) -> str:
        """Lease the first task; its path."""
        page = self.http.get("/").text
        self.token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]  # type: ignore[index]
        answer = self.http.post(f"/projects/{slug}/rank/", data={"csrfmiddlewaretoken": self.token})
        path = answer.headers["Location"]
        self.html = self.http.get(path).text
        return path.partition("?")[0]

    def submit(self, path: str) -> str:
        """Rank it, A best, and get the next one in the same answer; its path."""
        names = re.findall(r'name="(place-[0-9a-f-]+)"', self.html)
        data = {name: str(place) for place, name in enumerate(names, 1)} | {"csrfmiddlewaretoken": self.token}
        answer = self.http.post(path, data=data, headers={"HX-Request": "true"})
        answer.raise_for_status()
        self.html = answer.text
        return answer.headers["HX-Push-Url"]


def timed(act: Any, times: int) -> list[float]:
    """Milliseconds of each of `times` calls."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return took


def page_times(trainer: Trainer, slug: str, *, times: int = 40) -> dict[str, float]:
    """Median milliseconds of each page, seen from the client."""
    path = trainer.begin(slug)
    here = {"path": path}

    def submit() -> None:
        here["path"] = trainer.submit(here["path"])

    timed(submit, 5)  # warm
    medians = {"submit and next": statistics.median(timed(submit, times))}
    for name, url in (("ranking", here["path"]), ("home", "/"), ("history", "/history/")):
        medians[name] = statistics.median(timed(lambda url=url: trainer.http.get(url).raise_for_status(), times))
    return medians


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def next_task_beside_streams(
    trainer: Trainer, slug: str, *, stream: str, streams: int, times: int = 60, passes: int = 3
) -> tuple[float, float]:
    """p95 of submit-and-next without and with `streams` idle streams open, in turns; the best of each."""
    here = {"path": trainer.begin(slug)}
    quiet: list[float] = []
    busy: list[float] = []

    def submit() -> None:
        here["path"] = trainer.submit(here["path"])

    timed(submit, 5)
    for _ in range(passes):
        quiet.append(p95(timed(submit, times)))
        busy.append(asyncio.run(_beside(trainer, stream, streams, lambda: p95(timed(submit, times)))))
    return min(quiet), min(busy)


async def _beside(trainer: Trainer, stream: str, streams: int, act: Any) -> float:
    limits = httpx.Limits(max_connections=streams + 10)
    cookies = dict(trainer.http.cookies)
    async with httpx.AsyncClient(base_url=trainer.http.base_url, cookies=cookies, limits=limits, timeout=60) as http:
        opened: list[httpx.Response] = []
        try:
            for _ in range(streams):
                answer = await http.send(http.build_request("GET", stream), stream=True)
                answer.raise_for_status()
                opened.append(answer)
            await asyncio.sleep(1.0)
            return await asyncio.to_thread(act)
        finally:
            for answer in opened:
                await answer.aclose()


def serve(database_url: str) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"DATABASE_URL": database_url, "DUOLOGUE_LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/accounts/login/", timeout=5)
            return process, f"http://127.0.0.1:{port}"
        except httpx.TransportError:
            time.sleep(0.2)
    raise TimeoutError("uvicorn did not start")


def prepare(count: int) -> dict[str, str]:
    """A project, a trainer, a chat with a reply that nobody writes; runs with Django set up."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from labeling import chats, dialogues
    from tests import makers

    project = makers.make_project("bench")
    alice = makers.make_member(project, "alice")
    fill(project, count=count)
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=chat, text="Nobody answers this.")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(alice.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = alice.get_session_auth_hash()
    session.create()
    return {
        "slug": project.slug,
        "session": session.session_key,
        "stream": f"/dialogues/{chat.pk}/stream/?r={request.pk}@0",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=100_000)
    parser.add_argument("--streams", type=int, default=200)
    options = parser.parse_args()
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = f"{parts.path.lstrip('/')}_bench_pages"
    own = urlunsplit(parts._replace(path=f"/{name}"))
    admin = psycopg2.connect(os.environ["DATABASE_URL"])
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = own
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.path.insert(0, str(ROOT))
    process = None
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(f"filling {options.comparisons:,} comparisons", flush=True)
        made = prepare(options.comparisons)
        process, url = serve(own)
        trainer = Trainer(url, made["session"])
        for page, median in page_times(trainer, made["slug"]).items():
            print(f"{page:16} median {median:7.1f} ms")
        quiet, busy = next_task_beside_streams(trainer, made["slug"], stream=made["stream"], streams=options.streams)
        print(
            f"submit and next  p95 {quiet:.1f} ms; beside {options.streams} streams {busy:.1f} ms: {busy / quiet:.2f}x"
        )
    finally:
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        from django.db import connections

        connections.close_all()
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


if __name__ == "__main__":
    main()
