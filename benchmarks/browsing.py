"""A signed-in client that ranks, and idle streams beside it."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import httpx

CARD = re.compile(r'data-card="([0-9a-f-]{36})" data-letter="([A-Z])"')


def letters_of(html: str) -> dict[str, str]:
    """The letters of the completions on a ranking page, by their ids, in the order shown.

    Raises:
        RuntimeError: it has none, so that whoever goes on would measure an error page.
    """
    if not (found := dict(CARD.findall(html))):
        raise RuntimeError(f"The ranking page has no completions: {html[:300]!r}")
    return found


def places(letters: Mapping[str, str], groups: Iterable[Iterable[str]]) -> dict[str, str]:
    """The fields of an order, as the page sends them."""
    found = {f"read-{letter}": "5" for letter in letters.values()}
    return found | {f"place-{letters[cid]}": str(place) for place, group in enumerate(groups, 1) for cid in group}


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
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if found is None:
            raise RuntimeError("The home page has no form: is the client signed in?")
        self.token = found[1]
        answer = self.http.post(f"/projects/{slug}/rank/", data={"csrfmiddlewaretoken": self.token})
        path = answer.headers["Location"]
        self.html = self.http.get(path).text
        self.path = path.partition("?")[0]

    def submit(self) -> tuple[float, float]:
        """Rank it, A best, and get the next one in the same answer."""
        letters = letters_of(self.html)
        data = places(letters, [[cid] for cid in letters]) | {
            "csrfmiddlewaretoken": self.token,
            "seconds": "60",
        }
        answer, server, client = self._timed(
            lambda: self.http.post(self.path, data=data, headers={"HX-Request": "true"})
        )
        self.html = answer.text
        self.path = answer.headers["HX-Push-Url"]
        return server, client

    def send(self, chat: str, text: str) -> float:
        """Send a message in the chat of this path; milliseconds in the server."""
        if not self.token:
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.http.get(chat).text)
            self.token = found[1] if found else ""
        data = {"csrfmiddlewaretoken": self.token, "text": text}
        return self._timed(lambda: self.http.post(f"{chat}send/", data=data, headers={"HX-Request": "true"}))[1]

    @staticmethod
    def _timed(ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, float, float]:
        began = time.perf_counter()
        answer = ask()
        client = (time.perf_counter() - began) * 1000
        answer.raise_for_status()
        return answer, float(answer.headers["server-timing"].partition("dur=")[2]), client


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
