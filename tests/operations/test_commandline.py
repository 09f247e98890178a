"""Errors of the surroundings are one sentence and a non-zero exit, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import commandline
from common.environment import SettingError

BASE = Path(__file__).resolve().parents[2]


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE, env={**os.environ, **env}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "env", "sentence"),
    [
        (["showmigrations"], {"DATABASE_URL": "postgres://me@127.0.0.1:1/x"}, "The database does not answer: "),
        (["prepare"], {"REDIS_URL": "redis://127.0.0.1:1/0"}, "Redis does not answer: "),
        (["check"], {"DATABASE_URL": "mysql://me@127.0.0.1/x"}, "DATABASE_URL takes postgres://"),
        (["check"], {"DUOLOGUE_NIGHTLY_AT": "noon"}, "DUOLOGUE_NIGHTLY_AT is 'noon': it takes HH:MM"),
        (["check"], {"SECRET_KEY": "short"}, "SECRET_KEY is weak"),
        (["showmigrations"], {"DATABASE_URL": "", "DUOLOGUE_VAR": "/dev/null/var"}, "The var folder '/dev/null/var'"),
    ],
)
def test_manage_py_says_what_is_wrong_in_one_line(arguments: list[str], env: dict[str, str], sentence: str) -> None:
    answer = manage(*arguments, **env)
    assert answer.returncode != 0
    said = answer.stderr.strip().splitlines()
    assert len(said) == 1, answer.stderr
    assert said[0].startswith(sentence)


def test_an_error_of_ours_keeps_its_traceback() -> None:
    assert commandline.explain(ZeroDivisionError("x")) is None
    assert commandline.explain(SettingError("A sentence.")) == "A sentence."


@pytest.mark.parametrize("module", ["config.asgi", "config.celery"])
def test_web_beat_and_default_worker_import_neither_torch_nor_transformers(module: str) -> None:
    code = (
        f"import sys, {module} as m\n"
        "import django; django.setup()\n"
        "from django.urls import get_resolver; get_resolver().url_patterns\n"
        "app = __import__('config.celery', fromlist=['app']).app\n"
        "app.loader.import_default_modules()\n"
        "assert 'labeling.tasks.tend' in app.tasks and 'exports.tasks.nightly' in app.tasks\n"
        "print(*sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=BASE, capture_output=True, text=True, timeout=100)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == ""
