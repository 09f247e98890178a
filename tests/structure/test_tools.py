"""The checks are the same everywhere: in bin/test, before a commit, and in continuous integration."""

from __future__ import annotations

import re
import tomllib
from typing import TypedDict

import yaml

from launcher import suite
from tests.structure.measure import BASE


class Hook(TypedDict):
    id: str
    name: str
    entry: str
    language: str


def hooks() -> list[Hook]:
    config = yaml.safe_load((BASE / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    [local] = config["repos"]  # local hooks only: nothing else is fetched, and the versions are those of the tests
    assert local["repo"] == "local"
    found: list[Hook] = local["hooks"]
    return found


def test_every_check_of_the_tests_runs_before_a_commit_too() -> None:
    assert {hook["name"] for hook in hooks()} == set(suite.CHECKS)


def test_the_hooks_run_the_same_programs() -> None:
    for hook in hooks():
        assert hook["language"] == "system"
        words = hook["entry"].removeprefix(".venv/bin/").removeprefix("python ").split()
        assert words[0] == suite.CHECKS[hook["name"]][0]


def test_every_tool_of_the_checks_is_pinned() -> None:
    pins = (BASE / "requirements-test.txt").read_text(encoding="utf-8")
    for name in ("ruff", "mypy", "import-linter", "djlint", "pre-commit", "coverage", "pytest-cov", "pytest-xdist"):
        assert re.search(rf"^{name}==\d", pins, re.M), name


def test_continuous_integration_runs_what_everybody_runs() -> None:
    workflow = (BASE / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.search(r"run: \.ci/run\b", workflow)
    assert "exec ./bin/test" in (BASE / ".ci" / "run").read_text(encoding="utf-8")


def test_the_type_checker_is_strict_on_the_whole_tree() -> None:
    settings = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert settings["strict"] is True
    assert settings["warn_unused_ignores"] is True
    assert sorted(settings["exclude"]) == ["^\\.venv", "^stubs/", "^var/", "migrations/"]
