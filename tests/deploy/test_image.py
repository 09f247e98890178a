"""The image of deploy/Dockerfile is built and runs what compose.yaml asks of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy import image

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
KEPT = image.BASE / "var" / "test" / "base image"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[image.Store]:
    image.require()
    with image.store(tmp_path_factory.mktemp("images")) as made:
        made.base(image.root(KEPT))
        yield made


def command_of(service: str) -> list[str]:
    loaded = yaml.safe_load((image.BASE / "deploy" / "compose.yaml").read_text())
    found: list[str] = loaded["services"][service]["command"]
    return found


def test_the_web_image_is_built_and_runs_every_process_of_compose(store: image.Store) -> None:
    config = store.build("web")
    assert config["User"] == "duologue"
    assert not any(one.startswith("SECRET_KEY") for one in config["Env"])
    kind, *healthcheck = config["Healthcheck"]["Test"]
    assert kind == "CMD"
    long = {"web": config["Cmd"], "worker": command_of("worker"), "beat": command_of("beat")}
    script = Path(__file__).with_name("in_the_image.py")
    printed = store.run("web", script, json.dumps([command_of("prepare"), long, healthcheck]))
    told = json.loads(printed.rpartition("TOLD ")[2])
    assert (told["user"], told["data"]) == (10001, "0o700")
    assert (told["prepare"], told["healthcheck"]) == (0, 0)
    assert {name for name, ok in told["readyz"].items() if ok} >= {"database", "redis", "migrations", "worker"}
    assert told["alive"] == {"web": True, "worker": True, "beat": True}
    assert set(told["stopped"].values()) <= {0, -15}
