"""How long the trainer's pages take in a large project, and whether open streams slow the next task.

    python -m benchmarks.pages --comparisons 100000 --streams 200

Makes a database of its own beside the one of DATABASE_URL and drops it at the end; starts uvicorn on it,
which ends with this process however it ends. Measures every page over HTTP, the time inside the server
(Server-Timing, benchmarks/timed.py) beside the time the client waited; then submit-and-next again
beside N idle server-sent-event streams. Ratios are taken in one run, so that a busy machine slows both
sides alike.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg2
import psycopg2.extensions
import psycopg2.extras

ROOT = Path(__file__).resolve().parent.parent
TEXT = """A sentence of **ordinary** length that a model might have written about some subject or other. It goes on
for a while, as they do, and then comes to the point.

- First, what everybody says.
- Then what `nobody` expected.

A last paragraph sums up what was said, in case that somebody had not been listening all the time. """
BOUND = 40.0  # milliseconds in the server, the median of every page
SLOWER = 1.2  # how much of its p95 the next task may gain beside idle streams
ASGI = "benchmarks.timed:application"


def fill(project: Any, trainer: Any, *, count: int) -> None:
    """`count` comparisons of four completions each, a twentieth of them ranked by `trainer`: copies of
    one of each kind by SQL, so that a column added later needs no change here."""
    from django.db import connection

    from labeling.models import Assignment, Candidate, Comparison, Ranking
    from sampler.models import Completion
    from tests import makers

    pattern = makers.make_comparison(project)
    candidate = pattern.candidates.first()
    Completion.objects.filter(pk=candidate.completion_id).update(text=TEXT)
    ranking = makers.make_ranking(makers.make_comparison(project), trainer)
    ranked = Comparison.objects.get(pk=ranking.comparison_id)
    done = count // 20

    def copy(model: Any, source: Any, *, where: str = "true", **columns: str) -> str:
        names = [field.column for field in model._meta.concrete_fields]
        values = ", ".join(columns.get(name, f't."{name}"') for name in names)
        quoted = ", ".join(f'"{name}"' for name in names)
        return (
            f'INSERT INTO "{model._meta.db_table}" ({quoted}) SELECT {values} '
            f"FROM \"{model._meta.db_table}\" t CROSS JOIN bench b WHERE t.id = '{source.pk}' AND {where}"
        )

    once = "b.i = 0"
    ago = "({} - (b.n * 5 || ' minutes')::interval)"
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE TEMP TABLE bench AS SELECT n, i, gen_random_uuid() AS completion, md5(n::text)::uuid AS comparison
            FROM generate_series(1, %s) n CROSS JOIN generate_series(0, 3) i""",
            [count - done],
        )
        cursor.execute(copy(Completion, candidate.completion, id="b.completion",
                            text="t.text || E'\\n\\n' || md5((b.n * 4 + b.i)::text)"))  # fmt: skip
        cursor.execute(copy(Comparison, pattern, where=once, id="b.comparison", content_hash="''",
                            opened_at="t.opened_at - (b.n || ' milliseconds')::interval"))  # fmt: skip
        cursor.execute(copy(Candidate, candidate, id="gen_random_uuid()", comparison_id="b.comparison",
                            completion_id="b.completion", index="b.i"))  # fmt: skip
        cursor.execute("TRUNCATE bench")
        cursor.execute(
            "INSERT INTO bench SELECT n, 0, NULL, md5('ranked' || n)::uuid FROM generate_series(1, %s) n", [done]
        )
        cursor.execute(copy(Comparison, ranked, id="b.comparison", content_hash="''",
                            opened_at=ago.format("t.opened_at"), closed_at=ago.format("t.closed_at")))  # fmt: skip
        for one in ranked.candidates.all():
            cursor.execute(copy(Candidate, one, id="gen_random_uuid()", comparison_id="b.comparison"))
        cursor.execute(copy(Assignment, ranking.assignment, id="md5('assignment' || b.n)::uuid",
                            comparison_id="b.comparison", created_at=ago.format("t.created_at"),
                            ended_at=ago.format("t.ended_at")))  # fmt: skip
        cursor.execute(copy(Ranking, ranking, id="gen_random_uuid()", comparison_id="b.comparison",
                            assignment_id="md5('assignment' || b.n)::uuid",
                            submitted_at=ago.format("t.submitted_at")))  # fmt: skip
        cursor.execute("DROP TABLE bench")
        # As a project that grew over weeks has it: rows vacuumed and on the disk, not a flood of pages still to be
        # written while the first requests wait for their commits. Only these tables: a bare VACUUM takes the shared
        # catalogues too, and waits for whoever has them locked.
        tables = (model._meta.db_table for model in (Completion, Comparison, Candidate, Assignment, Ranking))
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
        cursor.execute("CHECKPOINT")


class Trainer:
    """A signed-in client that ranks, and notes of each answer how long the server took and how long it waited."""

    def __init__(self, url: str, session: str) -> None:
        self.session = session
        self.http = httpx.Client(base_url=url, cookies={"sessionid": session}, timeout=30)
        self.token = ""
        self.html = ""
        self.path = ""

    def close(self) -> None:
        self.http.close()

    def get(self, url: str) -> tuple[float, float]:
        return self._timed(lambda: self.http.get(url))[1:]

    def begin(self, slug: str) -> None:
        """Lease the first task."""
        page = self.http.get("/").text
        self.token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]  # type: ignore[index]
        answer = self.http.post(f"/projects/{slug}/rank/", data={"csrfmiddlewaretoken": self.token})
        path = answer.headers["Location"]
        self.html = self.http.get(path).text
        self.path = path.partition("?")[0]

    def submit(self) -> tuple[float, float]:
        """Rank it, A best, and get the next one in the same answer."""
        names = re.findall(r'name="(place-[0-9a-f-]+)"', self.html)
        data = {name: str(place) for place, name in enumerate(names, 1)} | {
            "csrfmiddlewaretoken": self.token,
            "seconds": "60",
        }
        answer, server, client = self._timed(
            lambda: self.http.post(self.path, data=data, headers={"HX-Request": "true"})
        )
        self.html = answer.text
        self.path = answer.headers["HX-Push-Url"]
        return server, client

    @staticmethod
    def _timed(ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, float, float]:
        began = time.perf_counter()
        answer = ask()
        client = (time.perf_counter() - began) * 1000
        answer.raise_for_status()
        return answer, float(answer.headers["server-timing"].partition("dur=")[2]), client


def page_times(trainer: Trainer, made: dict[str, str], *, times: int = 40) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each page, in the server and seen from the client."""
    trainer.begin(made["slug"])
    pages: dict[str, Callable[[], tuple[float, float]]] = {
        "submit and next": trainer.submit,
        "ranking": lambda: trainer.get(trainer.path),
        "compare two": lambda: trainer.get(f"{trainer.path}compare/?a=A&b=B"),
        "home": lambda: trainer.get("/"),
        "history": lambda: trainer.get("/history/"),
        "demonstration": lambda: trainer.get(made["demonstration"]),
        "chat": lambda: trainer.get(made["chat"]),
        "guidelines": lambda: trainer.get(f"/projects/{made['slug']}/guidelines/"),
        "practice": lambda: trainer.get(f"/projects/{made['slug']}/practice/"),
    }
    medians = {}
    for name, ask in pages.items():
        for _ in range(5):  # warm
            ask()
        server, client = zip(*(ask() for _ in range(times)), strict=True)
        medians[name] = (statistics.median(server), statistics.median(client))
    return medians


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def next_task_beside_streams(
    trainer: Trainer, made: dict[str, str], *, streams: int, times: int = 100, passes: int = 4
) -> tuple[float, float]:
    """p95 of submit-and-next, seen from the client, without and with `streams` idle streams open.

    The two take turns, and each side's rounds are judged together, so that a slow moment of the machine
    belongs to both.
    """
    trainer.begin(made["slug"])
    quiet: list[float] = []
    busy: list[float] = []
    for _ in range(5):
        trainer.submit()
    for _ in range(passes):
        quiet += [trainer.submit()[1] for _ in range(times)]
        with open_streams(trainer, made["stream"], streams):
            busy += [trainer.submit()[1] for _ in range(times)]
    return p95(quiet), p95(busy)


@contextlib.contextmanager
def open_streams(trainer: Trainer, path: str, count: int) -> Iterator[None]:
    """`count` connections on which the server has begun to answer and says nothing more. Bare sockets: the
    reader must cost nothing, since it shares the machine."""
    host, port = trainer.http.base_url.host, trainer.http.base_url.port or 80
    ask = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: sessionid={trainer.session}\r\n\r\n".encode()
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            connection = socket.create_connection((host, port), timeout=30)
            opened.append(connection)
            connection.sendall(ask)
            begun = b""
            while b"retry:" not in begun:
                more = connection.recv(4096)
                if not more or b" 200 " not in (begun + more)[:15]:
                    raise RuntimeError(f"The stream was refused: {(begun + more)[:200]!r}")
                begun += more
        time.sleep(4.0)  # until they are idle indeed: the first look at the row comes after two seconds
        yield
    finally:
        for connection in opened:
            connection.close()
        time.sleep(0.5)  # the server notices


@contextlib.contextmanager
def serving(database_url: str, **environment: str) -> Iterator[str]:
    """uvicorn on `database_url`; its address. It dies with this process, however that ends."""
    from common import processes

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"DATABASE_URL": database_url, "DUOLOGUE_LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}
    env |= environment
    options = ["--port", str(port), "--log-level", "error", "--no-access-log", "--lifespan", "off"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", ASGI, *options, "--timeout-graceful-shutdown", "1"],
        cwd=ROOT, env=env, stdin=subprocess.DEVNULL, preexec_fn=processes.die_with_parent(signal.SIGKILL),
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/accounts/login/", timeout=5)
                break
            except httpx.TransportError:
                if time.monotonic() > until or process.poll() is not None:
                    raise TimeoutError("uvicorn did not start") from None
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def prepare(count: int) -> dict[str, str]:
    """A project, a trainer with work behind and before them, a chat with a reply that nobody writes; runs
    with Django set up."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from labeling import chats, dialogues, turns
    from tests import makers

    project = makers.make_project("bench")
    alice = makers.make_member(project, "alice")
    fill(project, alice, count=count)
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=chat, text="Nobody answers this.")
    talk = makers.make_chat(project, alice, turns=5)
    written = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    for number in range(5):
        turns.add_turn(dialogue=written, role="user", text=f"Question {number}: what then?")
        turns.add_turn(dialogue=written, role="assistant", text=f"{number}. {TEXT}")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(alice.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = alice.get_session_auth_hash()
    session.create()
    return {
        "slug": project.slug,
        "session": session.session_key,
        "stream": f"/dialogues/{chat.pk}/stream/?r={request.pk}@0",
        "chat": f"/dialogues/{talk.pk}/",
        "demonstration": f"/dialogues/{written.pk}/",
    }


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """An empty, migrated database beside the one of DATABASE_URL, with Django set up on it."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = f"{parts.path.lstrip('/')}_bench_pages"
    own = urlunsplit(parts._replace(path=f"/{name}"))
    admin = psycopg2.connect(os.environ["DATABASE_URL"])
    admin.autocommit = True
    try:
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}"')
        os.environ["DATABASE_URL"] = own
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        yield own
        connections.close_all()
    finally:
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=100_000)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--times", type=int, default=40, help="requests for each page")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is cleared away
    psycopg2.extensions.set_wait_callback(psycopg2.extras.wait_select)  # also while a statement runs
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {words}", flush=True)

    say("making a database")
    with own_database() as url:
        say(f"filling it with {options.comparisons:,} comparisons")
        made = prepare(options.comparisons)
        say("starting the server")
        with serving(url) as address, contextlib.closing(Trainer(address, made["session"])) as trainer:
            say(f"{options.times} requests for each page: median in the server, and as the client saw it")
            over = []
            for page, (server, client) in page_times(trainer, made, times=options.times).items():
                say(f"  {page:16} {server:7.1f} ms {client:7.1f} ms")
                over += [page] if server >= BOUND else []
            say(f"the next task with and without {options.streams} idle streams")
            quiet, busy = next_task_beside_streams(trainer, made, streams=options.streams)
            say(f"  submit and next  p95 {quiet:.1f} ms; beside the streams {busy:.1f} ms: {busy / quiet:.2f}x")
    say("done" if not over and busy <= SLOWER * quiet else f"over the bounds: {', '.join(over) or 'streams'}")


if __name__ == "__main__":
    main()
