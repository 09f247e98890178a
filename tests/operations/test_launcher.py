"""What stops `bin/start` before it starts anything: one sentence, exit status 1."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import processes
from launcher import install, model, options
from launcher.children import children
from launcher.options import StartError

BASE = Path(__file__).resolve().parents[2]


def start(tmp_path: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The second stage, as `bin/start` runs it once everything is installed."""
    surroundings = {**os.environ, "DATABASE_URL": "", "REDIS_URL": "", "DUOLOGUE_VAR": str(tmp_path / "v a r")}
    return subprocess.run(
        [sys.executable, "-m", "launcher.start", *arguments],
        cwd=BASE, env={**surroundings, "PYTHONPATH": str(BASE), **env}, capture_output=True, text=True, timeout=90,
    )  # fmt: skip


def assert_one_sentence(answer: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert answer.returncode == 1, answer.stderr
    said = answer.stderr.strip().splitlines()
    assert len(said) == 1, answer.stderr
    assert sentence in said[0]


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield str(server.getsockname()[1])


@pytest.mark.parametrize("name", ["bin/start", "bin/test"])
def test_an_old_python_can_read_the_entry_and_is_told_what_is_needed(name: str) -> None:
    ast.parse((BASE / name).read_text(), feature_version=(3, 4))
    code = (
        "import os, runpy, sys\n"
        "sys.version_info = (3, 9, 2, 'final', 0)\n"
        f"runpy.run_path({str(BASE / name)!r}, run_name='__main__')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PATH": "/nowhere"}, capture_output=True, text=True
    )
    assert_one_sentence(answer, "Duologue needs Python 3.11 or later, and this is Python 3.9.")


@pytest.mark.parametrize("name", ["bin/start", "bin/test"])
def test_help_needs_nothing_installed(name: str) -> None:
    answer = subprocess.run([sys.executable, "-S", str(BASE / name), "--help"], capture_output=True, text=True)
    assert answer.returncode == 0
    assert f"usage: {name}" in answer.stdout


def test_a_port_in_use_is_named(tmp_path: Path, taken_port: str) -> None:
    assert_one_sentence(start(tmp_path, DUOLOGUE_PORT=taken_port), f"Port {taken_port} is in use")


def test_a_port_that_is_no_port_is_named(tmp_path: Path) -> None:
    assert_one_sentence(start(tmp_path, DUOLOGUE_PORT="80000"), "DUOLOGUE_PORT is '80000'")


def test_a_second_start_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v a r" / "run").mkdir(parents=True)
    lock = processes.lock(tmp_path / "v a r" / "run" / "start.lock")
    assert lock is not None
    with lock:
        assert_one_sentence(start(tmp_path), "bin/start runs already for the var folder")


def test_an_unwritable_var_folder_is_named(tmp_path: Path) -> None:
    answer = start(tmp_path, DUOLOGUE_VAR="/dev/null/var")
    assert_one_sentence(answer, "The var folder '/dev/null/var' cannot be written")


@pytest.mark.parametrize(
    ("name", "url", "sentence"),
    [
        ("DATABASE_URL", "postgres://me@127.0.0.1:1/x", "The database does not answer"),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "Redis does not answer"),
    ],
)
def test_an_unreachable_service_is_named_and_nothing_is_left_running(
    tmp_path: Path, name: str, url: str, sentence: str
) -> None:
    answer = start(tmp_path, "--no-demo", "--no-sampler", DUOLOGUE_PORT="8119", **{name: url})
    assert_one_sentence(answer, sentence)
    assert not any(processes.is_locked(path) for path in (tmp_path / "v a r" / "run").glob("*.supervisor"))


def web_command(tmp_path: Path, *arguments: str) -> str:
    asked = options.start_parser().parse_args(arguments)
    ours = children(tmp_path, "127.0.0.1", 8000, demo=False, sampler=False, web_processes=asked.web_processes)
    return " ".join(next(child for child in ours if child.name == "web server").command)


def test_several_web_processes_are_those_of_one_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--workers" not in web_command(tmp_path)
    assert "--workers 3 --timeout-worker-healthcheck" in web_command(tmp_path, "--web-processes", "3")
    ours = children(tmp_path, "127.0.0.1", 8000, demo=False, sampler=False, web_processes=3)
    (web,) = [child for child in ours if child.signs is not None]
    assert web.name == "web server"
    assert {folder.name for folder in web.own_folders} == {"web", "web-figures"}
    for wrong in ("0", "9", "many"):
        with pytest.raises(SystemExit):
            web_command(tmp_path, "--web-processes", wrong)
        assert "it takes a number from 1 to 8" in capsys.readouterr().err


def unpacked(var: Path) -> Path:
    """A model folder as it is after unpacking, much smaller."""
    folder = model.folder(var)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights" * 1000)
    model._record(var).write_text(json.dumps(model._checksums(folder)))
    return folder


def test_a_whole_model_is_accepted_without_unpacking_again(tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    assert model.ensure(tmp_path) == folder


def test_a_damaged_model_file_stops_the_start_with_its_name(tmp_path: Path) -> None:
    weights = unpacked(tmp_path / "v a r") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert_one_sentence(start(tmp_path, DUOLOGUE_PORT="8119"), f"The model file {str(weights)!r} is damaged: delete")


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    (unpacked(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(StartError, match=r"model\.safetensors' is missing"):
        model.ensure(tmp_path)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installer that works on a folder of its own, with one tiny requirement."""
    base = tmp_path / "a clone"
    base.mkdir()
    (base / "requirements.txt").write_text("no-such-package-of-duologue==1.0\n")
    (base / "requirements-model.txt").write_text("")
    for module in (install, options):
        monkeypatch.setattr(module, "BASE", base)
    monkeypatch.setattr(install, "VENV", base / ".venv")
    monkeypatch.setattr(install, "PYTHON", base / ".venv" / "bin" / "python")
    monkeypatch.setattr(install, "_python_works", lambda: True)
    monkeypatch.setattr(install, "_pip", lambda: [sys.executable, "-m", "pip"])
    return base


def test_no_package_index_within_reach_is_said_in_one_sentence(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StartError, match=r"No package index is within reach: .*no-such-package"):
        install.ensure(["requirements.txt"])
    assert "requirements.txt" not in "".join(install._lines(install.VENV / ".installed"))


def test_installing_is_skipped_until_a_requirement_changes(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(install, "_pip_install", lambda name, extra: installed.append(name))
    venv.create(install.VENV, with_pip=False)
    install.ensure(["requirements.txt"])
    install.ensure(["requirements.txt"])
    assert installed == ["requirements.txt", "requirements-model.txt"]
    (elsewhere / "requirements.txt").write_text("another==2.0\n")
    install.ensure(["requirements.txt"])
    assert installed[2:] == ["requirements.txt"]
