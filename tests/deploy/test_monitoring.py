"""Prometheus takes the alert rules and every query of the dashboard, and the rules fire when they should."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy import proxies

pytestmark = pytest.mark.slow
BASE = Path(__file__).resolve().parents[2]
MONITORING = BASE / "deploy" / "monitoring"


@pytest.fixture(scope="module")
def promtool() -> Path:
    packages = {"prometheus": "usr/bin/promtool"}
    return proxies.unpacked(BASE / "var" / "test" / "prometheus", packages) / "usr/bin/promtool"


def told(promtool: Path, *arguments: str) -> str:
    done = subprocess.run([str(promtool), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_rules_load_and_fire_when_they_should(promtool: Path) -> None:
    count = len(yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"])
    assert f"SUCCESS: {count} rules found" in told(promtool, "check", "rules", str(MONITORING / "alerts.yaml"))
    assert "SUCCESS" in told(promtool, "test", "rules", str(MONITORING / "alerts_test.yaml"))


def test_every_query_of_the_dashboard_is_one(promtool: Path, tmp_path: Path) -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"SUCCESS: {len(queries)} rules found" in told(promtool, "check", "rules", str(file))
