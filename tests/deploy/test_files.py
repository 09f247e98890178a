"""What the files of `deploy/` run and name is there in the tree; systemd takes the units."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from common.serving import figures
from operations import metrics

BASE = Path(__file__).resolve().parents[2]
DEPLOY = BASE / "deploy"
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir() if path.suffix in {".service", ".timer", ".target"})
COMMANDS = {path.stem for path in BASE.glob("*/management/commands/[a-z]*.py")} | {"migrate", "createsuperuser"}


def services() -> dict[str, dict[str, object]]:
    loaded = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return dict(loaded["services"])


def test_compose_has_every_process_and_both_servers() -> None:
    assert set(services()) == {
        "postgresql", "valkey", "prepare", "web", "worker", "beat", "sampler", "openai-sampler", "openai-server",
    }  # fmt: skip
    profiles = {name: service.get("profiles") for name, service in services().items() if service.get("profiles")}
    assert profiles == {"sampler": ["sampler"], "openai-sampler": ["openai"], "openai-server": ["openai"]}


def test_compose_opens_no_port_but_the_web_servers_and_that_on_this_machine_only() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:${DUOLOGUE_PORT:-8000}:8000"]}


def test_every_command_that_is_named_exists() -> None:
    text = "\n".join(path.read_text() for path in [*UNITS, DEPLOY / "compose.yaml", DEPLOY / "Dockerfile"])
    named = set(re.findall(r"manage\.py[\", ]+([a-z_]+)", text))
    assert {"prepare", "sampler", "backup"} <= named
    assert named <= COMMANDS


def test_only_the_web_container_is_asked_after_its_health_by_http() -> None:
    off = {name for name, service in services().items() if service.get("healthcheck") == {"disable": True}}
    assert off == {"prepare", "worker", "beat", "sampler", "openai-sampler"}


def test_the_dockerfile_copies_what_exists_and_runs_as_an_ordinary_user() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY")]
    assert all((BASE / name).exists() for names in copied for name in names)
    assert [line for line in lines if line.startswith("USER")] == ["USER duologue", "USER duologue"]


def test_the_image_of_the_web_server_leaves_out_only_what_the_sampler_imports() -> None:
    pattern = re.search(r"grep -vE '(.+)' requirements", (DEPLOY / "Dockerfile").read_text())
    assert pattern is not None
    left_out = {line.split("==")[0] for line in (BASE / "requirements.txt").read_text().splitlines()
                if re.search(pattern[1], line)}  # fmt: skip
    assert left_out == {"torch", "transformers", "accelerate", "gguf", "sentencepiece", "safetensors"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "systemd" / "system"
    folder.mkdir(parents=True)
    for path in UNITS:
        text = path.read_text().replace("/opt/duologue/.venv/bin/python", "/usr/bin/env")
        (folder / path.name).write_text(text.replace("/opt/duologue/deploy/systemd/watch", "/usr/bin/env"))
    (folder / "duologue-sampler@0.service").write_text((folder / "duologue-sampler@.service").read_text())
    whole = [str(path) for path in sorted(folder.iterdir()) if "@." not in path.name]
    answer = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *whole],
        capture_output=True, text=True, env={"SYSTEMD_UNIT_PATH": f"{folder}:", "PATH": "/usr/bin:/bin"}, timeout=60,
    )  # fmt: skip
    ours = [line for line in answer.stderr.splitlines() if "duologue" in line]
    assert not ours, "\n".join(ours)


def test_a_hung_web_server_is_restarted_and_one_that_answers_is_not(tmp_path: Path) -> None:
    told = tmp_path / "restarted"
    free = subprocess.run(
        [str(DEPLOY / "systemd" / "watch")],
        env={"DUOLOGUE_PORT": "1", "WATCH_RESTART": f"touch {told}", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert free.returncode == 0
    assert told.exists()
    assert "was not answered three times in a row" in free.stdout


@pytest.mark.django_db
def test_dashboard_and_alerts_ask_for_figures_that_are_shown() -> None:
    text = (DEPLOY / "monitoring" / "dashboard.json").read_text() + (DEPLOY / "monitoring" / "alerts.yaml").read_text()
    asked = set(re.findall(r"\bduologue_\w+", text))
    figures.answered(method="GET", route="home", status=200, seconds=0.1)
    lines = metrics.text().decode().splitlines()
    shown = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    shown |= {f"{name}_bucket" for name in shown} | {f"{name}_total" for name in shown}
    assert "duologue_http_requests_total" in asked
    assert asked <= shown
    loaded = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())
    assert all(rule["expr"] and rule["annotations"]["summary"] for group in loaded["groups"] for rule in group["rules"])


def test_the_dashboard_has_what_grafana_reads() -> None:
    loaded = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())
    panels = loaded["panels"]
    assert loaded["schemaVersion"] >= 36
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in {"timeseries", "stat", "gauge", "table"}
        assert panel["datasource"]["uid"] == "${source}"
        at = panel["gridPos"]
        assert 0 < at["w"] <= 24 - at["x"]
        assert all(target["expr"] and target["refId"] for target in panel["targets"])
    assert [one["type"] for one in loaded["templating"]["list"] if one["name"] == "source"] == ["datasource"]
