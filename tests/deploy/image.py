"""deploy/Dockerfile built by Debian's buildah, without Docker and without a registry: on a base made by debootstrap.

What differs from the published base: Python is Debian's own 3.11 at /usr/bin instead of one at /usr/local.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pytest

BASE = Path(__file__).resolve().parents[2]
NAMED = "docker.io/library/python:3.11-slim-bookworm"  # as in the Dockerfile
UNREACHABLE = ("Failed getting release file", "Couldn't download", "Couldn't retrieve")
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")


class Healthcheck(TypedDict):
    Test: list[str]


class Config(TypedDict):
    """Of an image in Docker's format, as far as it is looked at."""

    User: str
    Cmd: list[str]
    Healthcheck: Healthcheck
    Env: list[str]


def require() -> None:
    if os.getuid() != 0:
        pytest.skip("a base system is made by root only")
    for program in ("buildah", "debootstrap", "unshare", "ip"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not here: apt-get install buildah debootstrap iproute2")


def root(folder: Path) -> Path:
    """A small Debian with Python, made once; with this machine's certificates, so that its package index is trusted."""
    made = folder / "debian"
    if not (folder / "complete").exists():
        shutil.rmtree(made, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        _bootstrap(made)
        (made / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
        (made / "usr/bin/python").symlink_to("python3")
        if (Path("/") / CERTIFICATES).exists():
            shutil.copy(Path("/") / CERTIFICATES, made / CERTIFICATES)
        (folder / "complete").touch()
    return made


def _bootstrap(made: Path) -> None:
    """Made elsewhere and moved: debootstrap breaks on a path with a space."""
    options = ["--variant=minbase", "--include=ca-certificates,python3,python3-pip"]
    with tempfile.TemporaryDirectory(prefix="debian-", ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            ["debootstrap", *options, "bookworm", f"{folder}/system"], capture_output=True, text=True, timeout=900
        )
        said = done.stdout.strip()
        if done.returncode and any(word in said for word in UNREACHABLE):
            pytest.skip(f"no Debian mirror is within reach: {said.splitlines()[-1]}")
        assert done.returncode == 0, said[-2000:]
        subprocess.run(["mv", f"{folder}/system", str(made)], check=True)


@dataclass
class Store:
    """Images and containers in a folder of their own."""

    folder: Path

    def buildah(self, *arguments: str, timeout: float = 900) -> str:
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"buildah {arguments[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def command(self, *arguments: str) -> list[str]:
        places = ["--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run")]
        return ["buildah", *places, "--storage-driver", "overlay", *arguments]

    def base(self, system: Path) -> None:
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, str(system), "/")
        self.buildah("commit", "--quiet", "--rm", container, NAMED)

    def build(self, target: str) -> Config:
        deploy = BASE / "deploy"
        self.buildah(
            "bud", "--format", "docker", "--isolation", "chroot", "--pull-never", "--target", target, "--tag", target,
            "--file", str(deploy / "Dockerfile"), "--ignorefile", str(deploy / "Dockerfile.dockerignore"), str(BASE),
        )  # fmt: skip
        config: Config = json.loads(self.buildah("inspect", "--type", "image", target))["Docker"]["config"]
        return config

    def run(self, target: str, script: Path, *arguments: str) -> str:
        """Python code in a container of the image, as its user, with a network of its own."""
        container = self.buildah("from", "--pull-never", target)
        inside = self.command(
            "run", "--isolation", "chroot", "--volume", f"{script}:/tmp/script.py:ro",
            "--env", "PYTHONPATH=/opt/duologue", container, "--", "python", "/tmp/script.py", *arguments,
        )  # fmt: skip
        return alone(inside)


def alone(command: Sequence[str]) -> str:
    """A command's output; in a network with nothing but itself, so that port 8000 is free."""
    words = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@contextmanager
def store(folder: Path) -> Iterator[Store]:
    """Emptied at the end: an image is a gigabyte."""
    made = Store(folder)
    try:
        yield made
    finally:
        made.buildah("rm", "--all")
        made.buildah("rmi", "--all", "--force")
        shutil.rmtree(folder, ignore_errors=True)
