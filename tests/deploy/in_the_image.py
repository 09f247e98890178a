"""What the containers run, in one: the servers of the wheels in place of the two services, then `prepare`, the image's
own CMD, the commands of worker and beat, and the image's health check. Run inside the image, where there are no tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TypedDict

from common import embedded

WANTED = ("database", "redis", "migrations", "worker")  # a sampler is another image


class Check(TypedDict):
    ok: bool


def checks() -> dict[str, Check]:
    """What /readyz says; nothing while it does not answer."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8000/readyz", timeout=8) as found:
            body = found.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except OSError:
        return {}
    try:
        said: dict[str, Check] = json.loads(body)["checks"]
    except ValueError:
        return {}
    return said


def main(prepare: list[str], long: dict[str, list[str]], healthcheck: list[str]) -> None:
    told: dict[str, object] = {"user": os.getuid(), "data": oct(Path("/data").stat().st_mode & 0o777)}
    with embedded.running(Path("/data")) as services, contextlib.ExitStack() as running:
        env = {**os.environ, "DATABASE_URL": services.database_url, "REDIS_URL": services.redis_url}
        told["prepare"] = subprocess.run(prepare, env=env, timeout=200).returncode
        processes = {name: subprocess.Popen(command, env=env) for name, command in long.items()}
        for process in processes.values():
            running.callback(process.wait, 30)
            running.callback(process.terminate)
        until = time.monotonic() + 90
        while not all(checks().get(name, {"ok": False})["ok"] for name in WANTED) and time.monotonic() < until:
            time.sleep(0.5)
        told["readyz"] = {name: check["ok"] for name, check in checks().items()}
        told["healthcheck"] = subprocess.run(healthcheck, env=env, timeout=20).returncode
        told["alive"] = {name: process.poll() is None for name, process in processes.items()}
    told["stopped"] = {name: process.returncode for name, process in processes.items()}
    print("TOLD", json.dumps(told))


main(*json.loads(sys.argv[1]))
