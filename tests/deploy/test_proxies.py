"""Through nginx and Caddy as their files in `deploy/` set them up, at the root of a host and under a path: people sign
in, texts stream, files go up and down, and the server knows who asked."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests import makers
from tests.deploy import proxies
from tests.operations.running import Running
from tests.workers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
CLIENT = "127.0.0.2"  # an address of this machine that is not the proxy's
SETUP = """
from tests import makers
from accounts import tokens
from sampler.models import ModelVersion
project = makers.make_project("demo", with_round=False)
from labeling import projects
projects.open_round(project=project, policies=[(ModelVersion.objects.get(slug="fake"), 1.0, {})])
alice = makers.make_member(project, "alice")
mona = makers.make_member(project, "mona", role="manager", is_staff=True)
makers.make_demonstration(project, alice)
print("TOKEN", tokens.create(user=mona))
"""
ADDRESSES = """
from accounts.models import AuditEntry
print("FROM", sorted({str(entry.address) for entry in AuditEntry.objects.filter(address__isnull=False)}))
"""


@dataclass
class Place:
    base: str  # https://localhost:1234/label/, or without a path
    running: Running
    token: str

    def client(self, **headers: str) -> httpx.Client:
        """From another address, claiming to be yet another."""
        transport = httpx.HTTPTransport(verify=False, local_address=CLIENT)
        headers = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", **headers}
        return httpx.Client(transport=transport, headers=headers, timeout=30, trust_env=False)

    def at(self, path: str) -> str:
        return urljoin(self.base, path)


@pytest.fixture(scope="module")
def programs() -> Path:
    return proxies.unpacked(Path(__file__).resolve().parents[2] / "var" / "test" / "debian")


Site = tuple[Running, int, str]  # its process, the proxy's port, a token of its manager


@pytest.fixture(scope="module", params=["", "label/"], ids=["root", "subpath"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port, path = free_port(), str(request.param)
    folder = tmp_path_factory.mktemp("behind a proxy")
    running = Running(folder / "var", "--no-demo", DUOLOGUE_URL=f"https://localhost:{port}/{path}")
    running.start()
    try:
        made = running.manage("register_model", "fake", "--engine", "fake", "--location", "delay=0.05&tokens=40")
        assert made.returncode == 0, made.stderr
        said = running.manage("shell", "-c", SETUP)
        assert said.returncode == 0, said.stderr
        yield running, port, said.stdout.split("TOKEN ")[1].split()[0]
    finally:
        running.stop()


@pytest.fixture(params=["nginx", "caddy"])
def place(request: pytest.FixtureRequest, site: Site, programs: Path, tmp_path: Path) -> Iterator[Place]:
    running, port, token = site
    subpath = running.env["DUOLOGUE_URL"].endswith("label/")
    start = proxies.nginx if request.param == "nginx" else proxies.caddy
    with contextlib.ExitStack() as stack:
        stack.enter_context(start(programs, tmp_path, port=port, to=running.port, subpath=subpath))
        yield Place(f"https://localhost:{port}/{'label/' if subpath else ''}", running, token)


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found is not None, page.text[:500]
    return found[1]


@contextlib.contextmanager
def signed_in(place: Place) -> Iterator[httpx.Client]:
    with place.client() as client:
        page = client.get(place.at("accounts/login/"))
        form = {"csrfmiddlewaretoken": csrf(page), "login": "alice", "password": makers.PASSWORD}
        answer = client.post(place.at("accounts/login/"), data=form, headers={"Referer": place.at("accounts/login/")})
        assert answer.status_code == 302, answer.text[:500]
        assert urljoin(place.base, answer.headers["Location"]) == place.base
        yield client


def test_people_sign_in_and_the_server_knows_from_where(place: Place) -> None:
    with signed_in(place) as client:
        home = client.get(place.base)
        assert home.status_code == 200
        style = re.search(r'href="([^"]+\.css)"', home.text)
        assert style is not None
        assert client.get(urljoin(place.base, style[1])).status_code == 200
        form = {"csrfmiddlewaretoken": csrf(home), "language": "de"}
        chosen = client.post(place.at("language/"), data=form, headers={"Referer": place.base})
        assert urljoin(place.base, chosen.headers["Location"]) == place.base
        assert '<html lang="de"' in client.get(place.base).text
        cookies = {cookie.name: cookie for cookie in client.cookies.jar}
        assert cookies.keys() >= {"sessionid", "csrftoken", "language"}
        assert {cookie.path for cookie in cookies.values()} == {urlsplit(place.base).path}
        assert all(cookie.secure for cookie in cookies.values())
    said = place.running.manage("shell", "-c", ADDRESSES).stdout
    assert f"FROM ['{CLIENT}']" in said


def test_a_reply_streams_as_it_is_written(place: Place) -> None:
    with signed_in(place) as client:
        headers = {"Referer": place.base}
        token = csrf(client.get(place.base))
        begun = client.post(place.at("projects/demo/start/chat/"), data={"csrfmiddlewaretoken": token}, headers=headers)
        chat = urljoin(place.base, begun.headers["Location"])
        form = {"csrfmiddlewaretoken": csrf(client.get(chat)), "text": "Why is the sky blue?"}
        client.post(f"{chat}send/", data=form, headers=headers)
        page = client.get(chat).text
        place_of = {name: re.search(rf'data-{name}="([^"]+)"', page) for name in ("stream", "request", "after")}
        found = {name: match[1] for name, match in place_of.items() if match is not None}
        assert len(found) == 3, page[:3000]
        stream = f"{urljoin(chat, found['stream'])}?r={found['request']}@{found['after']}"
        came: list[float] = []
        with client.stream("GET", stream) as events:
            assert events.headers["content-type"].startswith("text/event-stream")
            for line in events.iter_lines():
                if line.startswith("data:"):
                    came.append(time.monotonic())
        assert len(came) > 3
        assert came[-1] - came[0] > 0.5, "all of it came at once: something held it back"


def test_uploads_go_through_up_to_the_limit(place: Place) -> None:
    with place.client(Authorization=f"Bearer {place.token}") as client:
        body = {"prompt": [{"role": "user", "content": "x"}], "completions": [{"text": "y" * 5_000_000}, {"text": "z"}]}
        path = place.at("api/v1/projects/demo/comparisons/")
        assert client.post(path, json=body).status_code in {201, 400}
        body["completions"] = [{"text": "y" * 13_000_000}, {"text": "z"}]
        with contextlib.suppress(httpx.WriteError):  # it may be cut off before it is all sent
            assert client.post(path, json=body).status_code == 413


def test_an_export_is_downloaded(place: Place) -> None:
    with place.client(Authorization=f"Bearer {place.token}") as client:
        asked = client.post(place.at("api/v1/exports/"), json={"project": "demo", "config": ["sft"]})
        assert asked.status_code == 201, asked.text
        until = time.monotonic() + 60
        while (run := client.get(place.at(f"api/v1/exports/{asked.json()['id']}/")).json())["state"] != "finished":
            assert time.monotonic() < until, run
            time.sleep(0.5)
        path = next(file["path"] for file in run["files"] if file["path"].endswith(".jsonl"))
        rows = client.get(place.at(f"api/v1/exports/{run['id']}/files/{path}"), follow_redirects=True)
        assert rows.status_code == 200
        assert all(json.loads(line) for line in rows.text.splitlines())


def test_a_passkey_is_for_the_public_host(place: Place) -> None:
    with place.client() as client:
        asked = client.get(place.at("accounts/2fa/webauthn/login/"), headers={"X-Requested-With": "XMLHttpRequest"})
        assert '"rpId": "localhost"' in json.dumps(asked.json())


def test_figures_and_long_heads_are_refused(place: Place) -> None:
    with place.client() as client:
        assert client.get(place.at("metrics")).status_code == 404
        with contextlib.suppress(httpx.RemoteProtocolError):
            assert client.get(place.base, headers={"X-Long": "x" * 100_000}).status_code in {400, 414, 431, 494}
