"""A hundred megabytes over a real socket to a real server: refused with a sentence, and never held in memory."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from accounts import tokens
from accounts.models import User
from labeling.models import Project
from tests import makers
from tests.journeys.server import Server
from tests.workers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
SIZE = 100 * 1024 * 1024
CHUNK = b"x" * 65_536
MOST_GROWN = 24 * 1024  # kB: the ten megabytes that are taken, and what surrounds them


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(free_port())
    server.start()
    yield server
    server.stop()


def peak(server: Server) -> int:
    """The most memory that the server ever held, in kB."""
    assert server.process is not None
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def upload(
    server: Server, path: str, token: str, *, announced: bool, size: int = SIZE
) -> tuple[int, dict[str, str], int]:
    """Status and body of the answer, and how many bytes the server let us send."""
    head = [
        f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}", "Content-Type: application/json",
        f"Content-Length: {size}" if announced else "Transfer-Encoding: chunked",
    ]  # fmt: skip
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as wire:
        wire.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        try:
            while sent < size:
                part = CHUNK[: size - sent]
                wire.sendall(part if announced else b"%x\r\n%s\r\n" % (len(part), part))
                sent += len(part)
            if not announced:
                wire.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has said enough and hung up
        answer = b""
        try:
            while part := wire.recv(65_536):
                answer += part
                if b"\r\n\r\n" in answer and answer.rstrip().endswith(b"}"):
                    break
        except ConnectionResetError:
            pass
    if not answer:
        return 0, {}, sent
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(body[body.index(b"{") : body.rindex(b"}") + 1]), sent


@pytest.mark.parametrize("announced", [True, False])
def test_a_hundred_megabytes_are_refused_with_a_sentence_and_not_kept(
    project: Project, mona: User, server: Server, announced: bool
) -> None:
    token = tokens.create(user=mona)
    path = f"/api/v1/projects/{project.slug}/comparisons/"
    small = upload(server, path, token, announced=announced, size=1000)
    assert small[0] == 400  # read, and no JSON: the way is open
    before = peak(server)
    statuses = []
    for _ in range(3):
        status, problem, sent = upload(server, path, token, announced=announced)
        statuses.append(status)
        if status:  # a client that goes on sending may find the line cut before it reads
            assert (status, problem["detail"]) == (413, "The request is too large: at most 10 MB are taken.")
    grown = peak(server) - before
    print(
        f"\n{announced=}: answers {statuses}, {sent / 2**20:.0f} MB went out, the server grew by {grown / 1024:.1f} MB"
    )
    assert 413 in statuses
    assert grown < MOST_GROWN
    assert makers.make_comparison(project).pk  # and the service is as before
    assert upload(server, path, token, announced=announced, size=1000)[0] == 400
