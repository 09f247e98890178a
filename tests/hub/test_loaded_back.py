"""What lies on the Hub is loaded from there by `datasets`, as anybody would, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from accounts.models import User
from exports.models import ExportRun
from tests.hub.test_pushes import NAME, pushed
from tests.stand_ins.hub import TOKEN, HubServer

pytestmark = pytest.mark.django_db
LOAD = """
import json, sys, datasets
name = sys.argv[1]
found = {}
for config in datasets.get_dataset_config_names(name):
    found[config] = datasets.load_dataset(name, config, split="train").to_list()
print(json.dumps(found, default=str))
"""


@pytest.mark.timeout(120)
@pytest.mark.slow
def test_datasets_loads_every_configuration_from_the_hub(
    hub: HubServer, run: ExportRun, mona: User, tmp_path: Path
) -> None:
    assert pushed(run, mona).state == "finished"
    environment = {
        **os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, NAME], env=environment, capture_output=True, text=True, timeout=100, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    listed = {f["config"]: f["rows"] for f in (run.manifest or {})["files"] if f["split"] == "train"}
    assert {config: len(rows) for config, rows in found.items()} == listed
    lines = hub.files(NAME)["rankings/train.jsonl"].decode().splitlines()
    assert [row["id"] for row in found["rankings"]] == [json.loads(line)["id"] for line in lines]
