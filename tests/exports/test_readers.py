"""What `datasets.load_dataset` makes of a folder, and what a kill leaves of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias
from urllib.parse import quote, urlencode

import pytest
import yaml
from django.db import connection

from accounts.models import User
from exports.formats.base import FORMATS
from exports.models import ExportRun
from exports.renderings.base import RENDERINGS
from labeling.ai_judges import judges, prompts
from labeling.models import Comparison, Project, Ranking, TurnFeedback
from tests import makers
from tests.exports.makers import export, make_judged, rows

ROOT = Path(__file__).resolve().parents[2]


class Column(Protocol):
    dtype: str


class Part(Protocol):
    """A split, as `datasets` reads it."""

    num_rows: int
    features: Mapping[str, Column]

    def __getitem__(self, row: int) -> Mapping[str, object]: ...


Loaded: TypeAlias = Mapping[str, Part]


class Loader(Protocol):
    def __call__(self, folder: Path, config: str | None = None) -> Loaded: ...


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loader]:
    """`load_dataset` without a network and with a cache of its own."""
    home = tmp_path_factory.mktemp("hf")

    def load(folder: Path, config: str | None = None) -> Loaded:
        loaded: Loaded = datasets.load_dataset(str(folder), config, cache_dir=str(home / folder.name))
        return loaded

    with pytest.MonkeyPatch.context() as environment:  # other tests of this process find none of it
        for name, value in {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}.items():
            environment.setenv(name, value)
        import datasets

        datasets.disable_progress_bars()
        yield load


@pytest.fixture
def folder(project: Project, alice: User, tmp_path: Path) -> Path:
    """Everything once, in both splits, with columns that start with nulls."""
    project.test_share = 0.0
    project.save(update_fields=["test_share"])
    for number, split in enumerate(["train", "train", "test"]):
        comparison = makers.make_comparison(project, prompt=f"Question {number} about {'abc'[number] * 9}?")
        Comparison.objects.filter(pk=comparison.pk).update(split=split)
        ranking = makers.make_ranking(comparison, alice)
        Ranking.objects.filter(pk=ranking.pk).update(seconds=None if split == "train" else 5, strengths=[])
    makers.make_demonstration(project, alice)
    judges.appoint(project=project, model_version=makers.make_model("judge"), prompt=prompts.DEFAULT, share=1)
    make_judged(project)
    export(project, tmp_path / "folder")
    return tmp_path / "folder"


@pytest.mark.filterwarnings("ignore")
def test_load_dataset_reads_every_configuration_as_it_stands(load: Loader, folder: Path) -> None:
    default = load(folder)
    assert set(default) == {"train", "test"}
    chosen = default["train"][0]["chosen"]
    assert isinstance(chosen, list)
    assert chosen[0]["role"] == "assistant"
    for config in ("preferences", "rankings", "sft", "prompts", "ai_judgements", "raw"):
        loaded = load(folder, config)
        written = rows(folder, config, "train")
        assert loaded["train"].num_rows == len(written)
        assert [loaded["train"][n] for n in range(len(written))] == written  # nothing changed, nothing lost
    assert load(folder, "preferences")["test"].features == load(folder, "preferences")["train"].features
    assert load(folder, "preferences")["train"].features["created_at"].dtype == "string"
    assert load(folder, "preferences")["test"][0]["seconds"] == 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [[], ["--shards", "2", "--compress", "gzip"], ["--compress", "zstd"]], ids=str)
def test_load_dataset_reads_whatever_the_card_lists(
    load: Loader, project: Project, folder: Path, alice: User, tmp_path: Path, options: list[str]
) -> None:
    reply = makers.make_chat(project, alice).turns.get(role="assistant")
    TurnFeedback.objects.create(turn=reply, user=alice, thumb_up=True)
    renderings = [word for name in RENDERINGS.choices() for word in ("--render", name)]
    everything = ",".join(FORMATS.choices())
    manifest = export(project, tmp_path / "all", "--config", everything, *renderings, *options)
    card: list[dict[str, str]] = yaml.safe_load((tmp_path / "all/README.md").read_text().split("---")[1])["configs"]
    listed = {config["config_name"] for config in card}
    assert listed == {*FORMATS.choices(), *RENDERINGS.choices()}
    (tmp_path / "latest").symlink_to("all")
    for name in sorted(listed):
        loaded = load(tmp_path / "latest", name)
        files = [file for file in manifest["files"] if file["config"] == name and ".jsonl" in file["path"]]
        for split in ("train", "test"):
            expected = sum(file["rows"] for file in files if file["split"] == split)
            assert (loaded[split].num_rows if split in loaded else 0) == expected, name
        if not options:
            written = rows(tmp_path / "all", name, "train")
            assert [loaded["train"][n] for n in range(len(written))] == written, name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("compress", ["gzip", "zstd"])
def test_load_dataset_reads_shards_and_packed_files(
    load: Loader, project: Project, folder: Path, tmp_path: Path, compress: str
) -> None:
    export(project, tmp_path / compress, "--config", "preferences", "--compress", compress, "--shards", "2")
    assert load(tmp_path / compress, "preferences")["train"].num_rows == 12


@pytest.mark.filterwarnings("ignore")
def test_an_empty_split_is_left_out_of_the_card(load: Loader, project: Project, alice: User, tmp_path: Path) -> None:
    comparison = makers.make_comparison(project)
    Comparison.objects.filter(pk=comparison.pk).update(split="test")
    makers.make_ranking(comparison, alice)
    export(project, tmp_path / "x", "--config", "preferences,sft")
    assert set(load(tmp_path / "x")) == {"test"}
    assert "sft" not in (tmp_path / "x/README.md").read_text().split("---")[1]


def test_sha256sum_accepts_the_sums(folder: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def database_url() -> str:
    """That of the test database, for another process."""
    given = connection.settings_dict
    query = urlencode({"host": given["HOST"]} | ({"port": given["PORT"]} if given["PORT"] else {}))
    return f"postgresql://{quote(given['USER'])}:{quote(given['PASSWORD'])}@/{given['NAME']}?{query}"


SLOW_EXPORT = """
import os, sys, time
import django
django.setup()
from django.core.management import call_command
from exports.formats.preferences import FORMAT
plain = FORMAT.rows
def slow(record, context):
    for row in plain(record, context):
        print("row", flush=True)
        time.sleep(60)
        yield row
FORMAT.rows = slow
call_command("export", "demo", "--out", sys.argv[1], "--config", "preferences,rankings")
"""


@pytest.mark.django_db(transaction=True)
def test_a_kill_leaves_no_partial_file_and_the_next_run_completes(tmp_path: Path) -> None:
    project = makers.make_project()
    alice = makers.make_member(project, "alice")
    for _ in range(3):
        makers.make_ranking(makers.make_comparison(project), alice)
    target = tmp_path / "out"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database_url()}
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_EXPORT, str(target)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "row\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not target.exists()
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == []
    assert ExportRun.objects.get().state == "running"  # until its lease runs out; `resume` ends it
    manifest = export(project, target)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert manifest["counts"]["rankings"] == 3
    assert json.loads((target / "manifest.json").read_text()) == manifest
