"""`bin/start` where the machine is not as it should be: it goes on with what can go on, or starts all the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.running import BASE, Running, eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="mounts and makes namespaces"),
]
MAKE = """
from accounts import tokens
from tests import makers
project = makers.make_project("full", stock_target=0)
alice = makers.make_member(project, "alice")
print("token", tokens.create(user=alice))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder outside of the working copy."""
    folder = Path(tempfile.mkdtemp(prefix="degraded-"))
    yield folder
    subprocess.run(["umount", "-l", str(folder / "disk")], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


class Site(Running):
    """With a shell line before its start, such as one that takes something away from it."""

    before = ""

    def start(self) -> None:
        if not self.before:
            super().start()
            return
        command = f'{self.before} && exec "$0" -m launcher.start "$@"'
        unshare = ["unshare", "--mount", "--net" if "ip addr" in self.before else "--propagation=private"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*unshare, "sh", "-c", command, sys.executable, *self.arguments],
                cwd=BASE, env=self.env, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        process = self.process
        eventually(lambda: "ready http" in self.said() or process.poll() is not None, "ready", seconds=120)
        assert process.poll() is None, self.said()

    def ask(self, path: str, *, token: str = "", body: object = None) -> tuple[int, str]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def sites() -> Iterator[list[Site]]:
    started: list[Site] = []
    yield started
    for site in started:
        if site.process is not None and site.process.poll() is None:
            site.stop()


def fill(path: Path) -> None:
    """Only ever the file system that the test mounted."""
    assert path.parent.is_mount()
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def on_a_small_disk(place: Path, sites: list[Site]) -> tuple[Path, Site, str]:
    """A disk of 400 MB, the site that runs on it, and a token of somebody there."""
    disk = place / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=700", "degraded", str(disk)], check=True)
    site = Site(disk / "var", "--no-demo")
    site.output = place / "start.log"
    sites.append(site)
    site.start()
    return disk, site, site.manage("shell", "-c", MAKE).stdout.split("token ")[1].split()[0]


def test_on_a_full_disk_what_fits_goes_on_and_the_rest_is_refused_with_a_sentence(
    place: Path, sites: list[Site]
) -> None:
    disk, site, token = on_a_small_disk(place, sites)
    before = site.processes()
    fill(disk / "filler")
    path = "/api/v1/projects/full/dialogues/"
    until = time.monotonic() + 45
    refused, accepted = set(), 0
    while time.monotonic() < until:
        assert site.ask("/api/v1/projects/", token=token)[0] == 200, "reading goes on"
        code, said = site.ask(path, token=token, body={"kind": "demonstration"})
        if code == 201:
            dialogue = json.loads(said)["id"]
            text = os.urandom(40_000).hex()
            turn = {"role": "user", "text": text}
            code, said = site.ask(f"/api/v1/dialogues/{dialogue}/turns/", token=token, body=turn)
        accepted += code == 201
        if code != 201:
            assert code == 503, said
            refused.add(json.loads(said)["detail"])
        time.sleep(1)
    assert len(refused) == 1, (refused, accepted)
    assert refused.pop().startswith("The disk of this server is full, so nothing of this was stored.")
    assert site.ask("/accounts/login/")[0] == 200
    code, said = site.ask("/readyz")
    assert code == 503
    checks = json.loads(said)["checks"]
    assert "is full" in checks["disk"]["detail"]
    assert [name for name, check in checks.items() if not check["ok"]] == ["disk"]
    assert "the disk is full" in site.said()
    assert site.processes() == before, "nothing ended"
    (disk / "filler").unlink()
    eventually(lambda: site.ask(path, token=token, body={"kind": "demonstration"})[0] == 201, "writing goes on", 30)
    eventually(site.is_ready, "ready again", 90)
    assert "the disk has room again" in site.said()


def test_a_database_that_ends_on_a_full_disk_comes_back_on_what_was_kept_in_reserve(
    place: Path, sites: list[Site]
) -> None:
    disk, site, token = on_a_small_disk(place, sites)
    reserve = site.var / "run" / "postgresql.reserve"
    eventually(reserve.exists, "a reserve", 40)
    for spare in sorted((site.var / "postgresql" / "pg_wal").glob("0*"))[1:]:
        spare.unlink()  # as after much writing: no piece of its log is left over
    fill(disk / "filler")
    os.kill(site.processes()["postgresql"], signal.SIGKILL)
    eventually(lambda: not reserve.exists(), "the reserve is given up", 60)
    eventually(lambda: site.ask("/api/v1/projects/", token=token)[0] == 200, "reading goes on", 60)
    assert site.process is not None
    assert site.process.poll() is None
    (disk / "filler").unlink()
    eventually(site.is_ready, "ready again", 120)


READ_ONLY = f"mount --bind '{BASE}' '{BASE}' && mount -o remount,bind,ro '{BASE}'"
IPV6_ONLY = "ip link set lo up && ip addr del 127.0.0.1/8 dev lo"
PROXY = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("before", "env", "ready"),
    [
        (READ_ONLY, {}, "ready http://127.0.0.1:"),
        (IPV6_ONLY, {}, "ready http://[::1]:"),
        ("", PROXY, "ready http://127.0.0.1:"),
    ],
    ids=["a read-only working copy", "a loopback with IPv6 only", "a proxy in the environment"],
)
def test_it_starts_on_an_odd_machine(
    before: str, env: dict[str, str], ready: str, place: Path, sites: list[Site]
) -> None:
    site = Site(place / "var", "--no-demo", **env)
    site.before = before
    sites.append(site)
    site.start()
    assert ready in site.said()
    assert site.process is not None
    inside = ["nsenter", "--target", str(site.process.pid), "--mount", "--net"]
    for command in (["register_model", "fake", "--engine", "fake"], ["selfcheck", "--model", "fake"]):
        answer = subprocess.run(
            [*inside, sys.executable, str(BASE / "manage.py"), *command],
            env=site.env, capture_output=True, text=True, timeout=200,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stdout + answer.stderr
    assert site.stop() == 0
